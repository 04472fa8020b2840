/* SPDX-License-Identifier: MIT */
/* sorted_list.c: a linked list built and sorted in a heap of its own. No node is ever freed: the
 * heap is destroyed with all that is in it, again and again. */
#include <windows.h>

#include <stdio.h>

#define NODES  200000
#define ROUNDS 4

typedef struct NODE {
    struct NODE *next;
    DWORD key;
    DWORD check;
} NODE;

static DWORD seed = 1;

static DWORD next_key(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed;
}

static NODE *build(HANDLE heap, DWORD count)
{
    NODE *head = NULL;
    while (count-- > 0) {
        NODE *node = (NODE *)HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof(NODE));
        if (node == NULL || node->next != NULL || node->key != 0)
            return NULL;
        node->key = next_key();
        node->check = ~node->key;
        node->next = head;
        head = node;
    }
    return head;
}

/* Splits a list in the middle and gives its second half. */
static NODE *halve(NODE *list)
{
    NODE *slow = list, *fast = list->next;
    while (fast != NULL && fast->next != NULL) {
        slow = slow->next;
        fast = fast->next->next;
    }
    fast = slow->next;
    slow->next = NULL;
    return fast;
}

static NODE *merge(NODE *a, NODE *b)
{
    NODE *head = NULL, **tail = &head;
    while (a != NULL && b != NULL) {
        NODE **least = a->key <= b->key ? &a : &b;
        *tail = *least;
        tail = &(*least)->next;
        *least = (*least)->next;
    }
    *tail = a != NULL ? a : b;
    return head;
}

static NODE *sort(NODE *list)
{
    NODE *second;
    if (list == NULL || list->next == NULL)
        return list;
    second = halve(list);
    return merge(sort(list), sort(second));
}

static int is_sorted(const NODE *list, DWORD count)
{
    DWORD last = 0;
    for (; list != NULL; list = list->next, count--) {
        if (list->key < last || list->check != ~list->key)
            return 0;
        last = list->key;
    }
    return count == 0;
}

int main(void)
{
    int round;
    for (round = 0; round < ROUNDS; round++) {
        HANDLE heap = HeapCreate(round % 2 ? HEAP_NO_SERIALIZE : 0, 0, 0);
        NODE *list;
        if (heap == NULL)
            return 1;
        list = build(heap, NODES);
        if (list == NULL)
            return 2;
        list = sort(list);
        if (!is_sorted(list, NODES) || !HeapValidate(heap, 0, NULL))
            return 3;
        if (!HeapDestroy(heap))
            return 4;
    }
    printf("%d lists of %d nodes sorted\n", ROUNDS, NODES);
    return 0;
}
