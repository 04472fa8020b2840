/* SPDX-License-Identifier: MIT */
/* range_tree.c: the interval tree, as a treap: ordered by the ranges' beginnings, and each node knows
 * how far its subtree reaches, so that a search leaves out what ends too early. Priorities are hashes
 * of the nodes' addresses; the recursion is as deep as the tree, some 40 calls for 100,000 nodes. */
#include "win32/host/range_tree.h"

#include "win32/host/treap.h"

#include <stdbool.h>
#include <stddef.h>

static uint64_t priority(const struct range_node *node)
{
    return treap_priority((uintptr_t)node);
}

static bool is_before(const struct range_node *a, const struct range_node *b)
{
    return a->low != b->low ? a->low < b->low : (uintptr_t)a < (uintptr_t)b;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t furthest(const struct range_node *root)
{
    return root != NULL ? root->furthest : 0;
}

static void update(struct range_node *node)
{
    node->furthest = greater(node->high, greater(furthest(node->left), furthest(node->right)));
}

static void split(struct range_node *root, const struct range_node *at, struct range_node **before,
                  struct range_node **after)
{
    if (root == NULL) {
        *before = *after = NULL;
        return;
    }
    if (is_before(root, at)) {
        *before = root;
        split(root->right, at, &root->right, after);
    } else {
        *after = root;
        split(root->left, at, before, &root->left);
    }
    update(root);
}

static struct range_node *merge(struct range_node *before, struct range_node *after)
{
    if (before == NULL || after == NULL)
        return before != NULL ? before : after;
    if (priority(before) >= priority(after)) {
        before->right = merge(before->right, after);
        update(before);
        return before;
    }
    after->left = merge(before, after->left);
    update(after);
    return after;
}

void range_tree_insert(struct range_node **root, struct range_node *node)
{
    if (*root == NULL || priority(node) > priority(*root)) {
        split(*root, node, &node->left, &node->right);
        update(node);
        *root = node;
        return;
    }
    range_tree_insert(is_before(node, *root) ? &(*root)->left : &(*root)->right, node);
    update(*root);
}

void range_tree_remove(struct range_node **root, struct range_node *node)
{
    if (*root == node) {
        *root = merge(node->left, node->right);
        return;
    }
    range_tree_remove(is_before(node, *root) ? &(*root)->left : &(*root)->right, node);
    update(*root);
}

uint64_t range_tree_reach(const struct range_node *root, uint64_t at)
{
    uint64_t reach = 0;
    while (root != NULL) {
        if (root->low <= at) {
            reach = greater(reach, greater(root->high, furthest(root->left)));
            root = root->right;
        } else {
            root = root->left;
        }
    }
    return reach;
}

uint64_t range_tree_next(const struct range_node *root, uint64_t at)
{
    uint64_t next = UINT64_MAX;
    while (root != NULL) {
        if (root->low > at) {
            next = root->low;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return next;
}

void range_tree_each(struct range_node *root, uint64_t low, uint64_t high,
                     void (*visit)(struct range_node *node, uint64_t low, uint64_t high))
{
    if (root == NULL || root->furthest <= low)
        return;
    range_tree_each(root->left, low, high, visit);
    if (root->low >= high)
        return;
    if (root->high > low)
        visit(root, low, high);
    range_tree_each(root->right, low, high, visit);
}
