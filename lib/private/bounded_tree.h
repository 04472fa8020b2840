/* SPDX-License-Identifier: MIT */
/* bounded_tree.h: the free blocks of one list of a bounded heap that may be of different sizes, as a
 * tree: a digital search tree (Coffman and Eve, 1970). A block's key is its size within the list and
 * then its place; each level of the tree branches by one bit of the key, highest first.
 *
 *     header | lesser | greater | [range given back] | parent | ........ | foot
 *
 * No two free blocks have the same key, so no path is longer than a key has bits, and a block is found
 * in as many steps. What is found in a block is not believed before it agrees from both sides: a child
 * names its parent.
 *
 * Heaps in files have lists throughout (README.md), and none of this. */
#ifndef BARROW_PRIVATE_BOUNDED_TREE_H
#define BARROW_PRIVATE_BOUNDED_TREE_H

#include "private/bounded_block.h"

enum {
    SIZE_TREE_LEAST = 32, /* units: lists of smaller blocks are of one size */
    SIZE_TREE_DEPTH = 64
};

/* The lesser and the greater one; they are where other lists have their links. */
ALWAYS_INLINE bounded_word *size_tree_children(const struct bounded *heap, uint64_t unit)
{
    return block_address(heap, unit);
}

/* Behind the range of what is given back. */
ALWAYS_INLINE bounded_word *size_tree_parent(const struct bounded *heap, uint64_t unit)
{
    return block_address(heap, unit + 2);
}

/* Whether `child` names the parent; no_block() as the parent: whether it is a root. Any number may be
 * asked about: nothing behind the frontier is read. */
ALWAYS_INLINE bool size_tree_is_child(const struct bounded *heap, uint64_t child, uint64_t parent)
{
    return child - heap->first < heap->frontier - heap->first - 2 &&
           *size_tree_parent(heap, child) == parent;
}

/* Whether the block's links agree with its neighbours, and the root, if that is what it is. */
bool size_tree_links_agree(const struct bounded *heap, const bounded_word *root, uint64_t unit);

/* Under the root, which is no_block() when the tree is empty. The block's header is not looked at. */
void size_tree_insert(struct bounded *heap, bounded_word *root, uint64_t unit, uint64_t units);

/* The links must agree. Leaves no link in the block but the children's. */
void size_tree_remove(struct bounded *heap, bounded_word *root, uint64_t unit);

/* The smallest block of at least that many units, or 0. */
uint64_t size_tree_fit(const struct bounded *heap, uint64_t root, uint64_t units);

/* The block after this one, in an order that has each of them once; no_block(): that was the last. */
uint64_t size_tree_next(const struct bounded *heap, uint64_t unit);

#endif
