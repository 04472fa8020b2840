/* SPDX-License-Identifier: MIT */
/* heap_library.h: the library's functions for mapped heaps, in this process. */
#ifndef BARROW_TOOLS_HEAP_LIBRARY_H
#define BARROW_TOOLS_HEAP_LIBRARY_H

#include "barrow/mapped_heap.h"

#include <stdbool.h>

struct heap_library {
    HANDLE (*open_file)(const char *path, SIZE_T initial, SIZE_T maximum, DWORD flags);
    BOOL (*close)(HANDLE heap);
    BOOL (*snapshot)(HANDLE heap, const char *path);
    BOOL (*info)(HANDLE heap, struct barrow_mapped_heap_info *info);
    BOOL (*next_root)(HANDLE heap, DWORD *position, char *name, void **block);
    uint64_t (*offset)(HANDLE heap, const void *address);
    BOOL (*walk)(HANDLE heap, LPPROCESS_HEAP_ENTRY entry);
    BOOL (*validate)(HANDLE heap, DWORD flags, LPCVOID block);
    SIZE_T (*compact)(HANDLE heap, DWORD flags);
    SIZE_T (*size)(HANDLE heap, DWORD flags, LPCVOID block);
    DWORD (*last_error)(void);
};

/* Finds them. The command is not linked with the library: if it is not loaded yet, this process
 * becomes `barrow heap` with the same words once more, with the library preloaded. False after a
 * message. */
bool heap_library_load(struct heap_library *library, int argc, char **argv);

/* The last error in words. */
const char *heap_library_error(const struct heap_library *library);

#endif
