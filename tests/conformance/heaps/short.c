/* SPDX-License-Identifier: MIT */
#include <barrow/barrow.h>
#include <barrow/heapapi.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    HANDLE heap = HeapCreate(0, 0, 16 << 20); /* at most 16 MiB; any thread may use it */
    struct barrow_scope scope;
    barrow_scope_enter(&scope, heap); /* plain malloc, of libraries too, comes from it */
    char *copy = heap ? strdup("hello") : NULL;
    barrow_scope_leave(&scope);
    printf("%s: %zu bytes\n", copy, (size_t)HeapSize(heap, 0, copy));
    return !HeapDestroy(heap); /* everything in it is gone */
}
