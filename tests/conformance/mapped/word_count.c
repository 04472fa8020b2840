/* SPDX-License-Identifier: MIT */
/* The example of lib/mapped/README.md. */
#include <barrow/mapped_heap.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct word {
    uint64_t next; /* an offset: the file is mapped elsewhere in the next run */
    long count;
    char text[];
};

struct list {
    uint64_t first;
};

static struct list *find_list(HANDLE heap)
{
    struct list *list = barrow_heap_root(heap, "words");
    if (list == NULL) {
        list = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof *list);
        if (list != NULL && !barrow_heap_set_root(heap, "words", list))
            return NULL;
    }
    return list;
}

static long count(HANDLE heap, struct list *list, const char *text)
{
    struct word *word = barrow_heap_pointer(heap, list->first);
    while (word != NULL && strcmp(word->text, text) != 0)
        word = barrow_heap_pointer(heap, word->next);
    if (word == NULL) {
        word = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof *word + strlen(text) + 1);
        if (word == NULL)
            return 0;
        strcpy(word->text, text);
        word->next = list->first;
        list->first = barrow_heap_offset(heap, word); /* from here on it is in the list */
    }
    return ++word->count;
}

int main(int argc, char **argv)
{
    HANDLE heap = barrow_heap_open_file(argv[1], 0, (SIZE_T)1 << 30, 0);
    struct list *list = heap != NULL ? find_list(heap) : NULL;
    if (list == NULL)
        return 1;
    for (int i = 2; i < argc; i++)
        printf("%s %ld\n", argv[i], count(heap, list, argv[i]));
    return barrow_heap_close(heap) ? 0 : 1;
}
