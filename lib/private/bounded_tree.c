/* SPDX-License-Identifier: MIT */
#include "private/bounded_tree.h"

/* The size without its five highest bits, which are the list's, and then the place. The bits of both
 * that tell blocks of a list apart are fewer than 64: two blocks of 2^n units and more are that far
 * apart. */
static uint64_t key_of(const struct bounded *heap, uint64_t unit, uint64_t units)
{
    ASSERT(units >= SIZE_TREE_LEAST);
    unsigned bits = highest_bit(units) - 4;
    return units << (64 - bits) | unit << (63 - highest_bit(heap->end)) >> bits;
}

/* The word that leads to the block. */
static bounded_word *place_of(struct bounded *heap, bounded_word *root, uint64_t unit)
{
    uint64_t parent = *size_tree_parent(heap, unit);
    if (parent == no_block(heap))
        return root;
    bounded_word *children = size_tree_children(heap, parent);
    return &children[children[0] != unit];
}

static bool child_agrees(const struct bounded *heap, uint64_t child, uint64_t unit)
{
    return child == no_block(heap) || size_tree_is_child(heap, child, unit);
}

bool size_tree_links_agree(const struct bounded *heap, const bounded_word *root, uint64_t unit)
{
    const bounded_word *children = size_tree_children(heap, unit);
    if (!child_agrees(heap, children[0], unit) || !child_agrees(heap, children[1], unit))
        return false;
    uint64_t parent = *size_tree_parent(heap, unit);
    if (parent == no_block(heap))
        return *root == unit;
    if (!is_unit(heap, parent))
        return false;
    const bounded_word *siblings = size_tree_children(heap, parent);
    return (siblings[0] == unit) != (siblings[1] == unit);
}

/* A path that was overwritten ends where it is found, and what was behind is lost. */
void size_tree_insert(struct bounded *heap, bounded_word *root, uint64_t unit, uint64_t units)
{
    uint64_t key = key_of(heap, unit, units), parent = no_block(heap);
    bounded_word *place = root;
    for (; size_tree_is_child(heap, *place, parent); key <<= 1) {
        parent = *place;
        place = &size_tree_children(heap, parent)[key >> 63];
    }
    if (unlikely(*place != no_block(heap)))
        heap->damaged = true;
    *place = unit;
    size_tree_children(heap, unit)[0] = size_tree_children(heap, unit)[1] = no_block(heap);
    *size_tree_parent(heap, unit) = parent;
}

/* The first of its children that names it; no_block(): there is none. */
static uint64_t first_child(const struct bounded *heap, uint64_t unit)
{
    const bounded_word *children = size_tree_children(heap, unit);
    for (unsigned i = 0; i < 2; i++)
        if (size_tree_is_child(heap, children[i], unit))
            return children[i];
    return no_block(heap);
}

/* A block below that has no children, or itself. */
static uint64_t leaf_of(const struct bounded *heap, uint64_t unit)
{
    uint64_t child;
    for (int depth = 0;
         depth < SIZE_TREE_DEPTH && (child = first_child(heap, unit)) != no_block(heap); depth++)
        unit = child;
    return unit;
}

static void adopt(struct bounded *heap, uint64_t unit, uint64_t child, unsigned which)
{
    size_tree_children(heap, unit)[which] = child;
    if (child != no_block(heap))
        *size_tree_parent(heap, child) = unit;
}

/* A leaf below takes its place: it has the same bits up to there. */
void size_tree_remove(struct bounded *heap, bounded_word *root, uint64_t unit)
{
    uint64_t leaf = leaf_of(heap, unit);
    bounded_word *place = place_of(heap, root, unit), *children = size_tree_children(heap, unit);
    *place_of(heap, root, leaf) = no_block(heap);
    if (leaf != unit) {
        adopt(heap, leaf, children[0], 0);
        adopt(heap, leaf, children[1], 1);
        *size_tree_parent(heap, leaf) = *size_tree_parent(heap, unit);
        *place = leaf;
    }
    *size_tree_parent(heap, unit) = 0; /* what is behind `fresh` must read as zero */
}

struct fit {
    uint64_t unit, units;
};

/* Takes the block for the fit if it is the better one. */
ALWAYS_INLINE void compare(const struct bounded *heap, struct fit *fit, uint64_t unit,
                           uint64_t wanted)
{
    uint64_t units = fields_units(block_fields(heap, unit));
    if (units >= wanted && units < fit->units)
        *fit = (struct fit){ unit, units };
}

/* The smallest below; all fit. */
static void fit_least(const struct bounded *heap, uint64_t unit, uint64_t parent, struct fit *fit)
{
    while (size_tree_is_child(heap, unit, parent)) {
        compare(heap, fit, unit, 0);
        const bounded_word *children = size_tree_children(heap, unit);
        parent = unit;
        unit = children[0] != no_block(heap) ? children[0] : children[1];
    }
}

/* Down the path of the least key that would do. All that is greater branches off it to the right, and
 * the lowest such branch has the least of them. */
uint64_t size_tree_fit(const struct bounded *heap, uint64_t root, uint64_t units)
{
    uint64_t key = units << (64 - (highest_bit(units) - 4)), parent = no_block(heap);
    uint64_t branch = no_block(heap), above = 0;
    struct fit fit = { 0, UINT64_MAX };
    for (uint64_t at = root; size_tree_is_child(heap, at, parent) && fit.units != units;
         key <<= 1) {
        compare(heap, &fit, at, units);
        const bounded_word *children = size_tree_children(heap, at);
        if (key >> 63 == 0 && children[1] != no_block(heap)) {
            branch = children[1];
            above = at;
        }
        parent = at;
        at = children[key >> 63];
    }
    if (fit.units != units && branch != no_block(heap))
        fit_least(heap, branch, above, &fit);
    return fit.unit;
}

uint64_t size_tree_next(const struct bounded *heap, uint64_t unit)
{
    uint64_t next = first_child(heap, unit);
    for (int depth = 0; depth < SIZE_TREE_DEPTH && next == no_block(heap); depth++) {
        uint64_t parent = *size_tree_parent(heap, unit);
        if (!is_unit(heap, parent))
            return no_block(heap);
        const bounded_word *children = size_tree_children(heap, parent);
        if (children[0] == unit && size_tree_is_child(heap, children[1], parent))
            next = children[1];
        unit = parent;
    }
    return next;
}
