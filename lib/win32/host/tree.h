/* SPDX-License-Identifier: MIT */
/* tree.h: a treap of nodes with distinct keys, kept inside the objects it orders.
 *
 * A node's priority is a hash of its key, so the shape depends on the keys alone and is balanced
 * for any keys that were not chosen against the hash: 100,000 nodes are about 40 deep at worst, 20
 * on average. No call allocates. The caller holds the lock that guards the tree. */
#ifndef BARROW_WIN32_HOST_TREE_H
#define BARROW_WIN32_HOST_TREE_H

#include <stdint.h>

struct tree_node {
    struct tree_node *left;
    struct tree_node *right;
    uintptr_t key;
};

/* The node with the largest key that is at most key, or NULL. */
struct tree_node *tree_floor(struct tree_node *root, uintptr_t key);

/* The node with the smallest key above key, or NULL. */
struct tree_node *tree_above(struct tree_node *root, uintptr_t key);

/* node->key is set, and no node of the tree has it. */
void tree_insert(struct tree_node **root, struct tree_node *node);

/* node is in the tree. */
void tree_remove(struct tree_node **root, struct tree_node *node);

#endif
