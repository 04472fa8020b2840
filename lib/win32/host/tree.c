/* SPDX-License-Identifier: MIT */
/* tree.c: the treap. Insertion splits the subtree that the new node displaces; removal merges the
 * two subtrees it leaves. Both walk once, without recursion. */
#include "win32/host/tree.h"

#include "win32/host/treap.h"

#include <stddef.h>

static uint64_t priority(const struct tree_node *node)
{
    return treap_priority(node->key);
}

struct tree_node *tree_floor(struct tree_node *root, uintptr_t key)
{
    struct tree_node *best = NULL;
    while (root != NULL) {
        if (root->key <= key) {
            best = root;
            root = root->right;
        } else {
            root = root->left;
        }
    }
    return best;
}

struct tree_node *tree_above(struct tree_node *root, uintptr_t key)
{
    struct tree_node *best = NULL;
    while (root != NULL) {
        if (root->key > key) {
            best = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return best;
}

void tree_insert(struct tree_node **root, struct tree_node *node)
{
    uint64_t rank = priority(node);
    struct tree_node **link = root;
    while (*link != NULL && priority(*link) >= rank)
        link = node->key < (*link)->key ? &(*link)->left : &(*link)->right;
    struct tree_node *rest = *link;
    struct tree_node **below = &node->left, **above = &node->right;
    while (rest != NULL) {
        if (rest->key < node->key) {
            *below = rest;
            below = &rest->right;
            rest = rest->right;
        } else {
            *above = rest;
            above = &rest->left;
            rest = rest->left;
        }
    }
    *below = *above = NULL;
    *link = node;
}

void tree_remove(struct tree_node **root, struct tree_node *node)
{
    struct tree_node **link = root;
    while (*link != node)
        link = node->key < (*link)->key ? &(*link)->left : &(*link)->right;
    struct tree_node *left = node->left, *right = node->right;
    while (left != NULL && right != NULL) {
        if (priority(left) >= priority(right)) {
            *link = left;
            link = &left->right;
            left = left->right;
        } else {
            *link = right;
            link = &right->left;
            right = right->left;
        }
    }
    *link = left != NULL ? left : right;
}
