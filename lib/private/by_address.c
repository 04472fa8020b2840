/* SPDX-License-Identifier: MIT */
/* by_address.c: a treap (Seidel and Aragon 1996): a search tree by address that is at the same time a
 * heap by rank. Ranks are pseudo-random, so its depth is O(log n) in the mean for any order in which
 * heaps are made and destroyed. Each operation is one way down, without recursion. */
#include "private/by_address.h"

#include "private/bounded.h"

/* From the slot's address, by multiplication with 2^64 over the golden ratio. */
static uint64_t rank_of(const struct private_heap *heap)
{
    return ((uintptr_t)heap >> PLACE_SHIFT) * 0x9e3779b97f4a7c15U;
}

static bool is_before(const struct private_heap *heap, const struct private_heap *other)
{
    return heap->start < other->start;
}

/* Parts a tree into what is before `at` and what is behind it. */
static void split(struct private_heap *tree, const struct private_heap *at,
                  struct private_heap **lower, struct private_heap **higher)
{
    while (tree != NULL) {
        bool before = is_before(tree, at);
        struct private_heap **link = before ? lower : higher;
        *link = tree;
        tree = before ? tree->higher : tree->lower;
        if (before)
            lower = &(*link)->higher;
        else
            higher = &(*link)->lower;
    }
    *lower = NULL;
    *higher = NULL;
}

/* One tree of two, all of the first of which is before all of the second. */
static struct private_heap *join(struct private_heap *lower, struct private_heap *higher)
{
    struct private_heap *root = NULL, **link = &root;
    while (lower != NULL && higher != NULL) {
        bool first = rank_of(lower) >= rank_of(higher);
        *link = first ? lower : higher;
        link = first ? &lower->higher : &higher->lower;
        if (first)
            lower = *link;
        else
            higher = *link;
    }
    *link = lower != NULL ? lower : higher;
    return root;
}

static struct private_heap **step(struct private_heap *from, const struct private_heap *towards)
{
    return is_before(towards, from) ? &from->lower : &from->higher;
}

void by_address_insert(struct private_heap **root, struct private_heap *heap)
{
    struct private_heap **link = root;
    heap->start = (uintptr_t)heap->bounded;
    heap->end = heap->start + bounded_extent(heap->bounded).reserved;
    while (*link != NULL && rank_of(*link) >= rank_of(heap))
        link = step(*link, heap);
    split(*link, heap, &heap->lower, &heap->higher);
    *link = heap;
}

void by_address_remove(struct private_heap **root, struct private_heap *heap)
{
    struct private_heap **link = root;
    while (*link != heap) {
        ASSERT(*link != NULL);
        link = step(*link, heap);
    }
    *link = join(heap->lower, heap->higher);
}

struct private_heap *by_address_find(struct private_heap *root, const void *address)
{
    uintptr_t at = (uintptr_t)address;
    while (root != NULL && (at < root->start || at >= root->end))
        root = at < root->start ? root->lower : root->higher;
    return root;
}
