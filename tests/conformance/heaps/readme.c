/* SPDX-License-Identifier: MIT */
/* The README's example in C, as it stands there; run by readme_test.cmake. */
#include <barrow/barrow.h>
#include <barrow/heapapi.h>
#include <stdio.h>
#include <string.h>

struct node {
    struct node *next;
    char word[24];
};

int main(void)
{
    /* one thread, at most 16 MiB; nothing of it is freed block by block */
    HANDLE heap = HeapCreate(HEAP_NO_SERIALIZE, 0, 16 << 20);
    if (heap == NULL)
        return 1;
    barrow_heap_set_name(heap, "words");

    struct node *list = NULL;
    for (int i = 0; i < 1000; i++) {
        struct node *node = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof *node);
        if (node == NULL)
            return 1;
        snprintf(node->word, sizeof node->word, "word %d", i);
        node->next = list;
        list = node;
    }

    /* a library that only knows malloc works in the same heap */
    struct barrow_scope scope;
    barrow_scope_enter(&scope, heap);
    char *copy = strdup(list->word);
    barrow_scope_leave(&scope);

    struct barrow_heap_stats stats = { .size = sizeof stats };
    barrow_heap_stats_get(heap, &stats);
    printf("%s: %s, %zu blocks\n", stats.name, copy, (size_t)stats.live_blocks);

    return HeapDestroy(heap) ? 0 : 1; /* and with it the list and the copy */
}
