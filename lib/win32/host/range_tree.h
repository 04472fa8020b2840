/* SPDX-License-Identifier: MIT */
/* range_tree.h: a treap of ranges, kept inside the objects it orders, that finds those that overlap
 * a given one. Ranges may be equal. No call allocates. The caller holds the lock that guards it. */
#ifndef BARROW_WIN32_HOST_RANGE_TREE_H
#define BARROW_WIN32_HOST_RANGE_TREE_H

#include <stdint.h>

struct range_node {
    struct range_node *left;
    struct range_node *right;
    uint64_t low, high; /* [low, high) */
    uint64_t furthest;  /* the greatest high in the subtree */
};

/* node->low <= node->high are set. */
void range_tree_insert(struct range_node **root, struct range_node *node);

/* node is in the tree. */
void range_tree_remove(struct range_node **root, struct range_node *node);

/* How far the ranges reach that begin at or before a point: the greatest high of them, 0 if there are
 * none. So one of them includes the point, or all up to what is returned, if that is above it. */
uint64_t range_tree_reach(const struct range_node *root, uint64_t at);

/* The least low above a point, or UINT64_MAX. */
uint64_t range_tree_next(const struct range_node *root, uint64_t at);

/* Calls visit for each node that overlaps [low, high). The call must not change the tree. Looks at
 * log(nodes) nodes for each visit at most. */
void range_tree_each(struct range_node *root, uint64_t low, uint64_t high,
                     void (*visit)(struct range_node *node, uint64_t low, uint64_t high));

#endif
