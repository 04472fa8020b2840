/* SPDX-License-Identifier: MIT */
/* heap_library.c: barrow heap runs with the library in its own process. */
#include "heap_library.h"

#include "library.h"

#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN "HEAP_OF_BARROW_AGAIN" /* the library reports unknown names that begin with its own */

static bool look_up(void *out, const char *name)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool look_up_all(struct heap_library *library)
{
    return look_up(&library->open_file, "barrow_heap_open_file") &&
           look_up(&library->close, "barrow_heap_close") &&
           look_up(&library->snapshot, "barrow_heap_snapshot") &&
           look_up(&library->info, "barrow_mapped_heap_info") &&
           look_up(&library->next_root, "barrow_heap_next_root") &&
           look_up(&library->offset, "barrow_heap_offset") &&
           look_up(&library->walk, "barrow_HeapWalk") &&
           look_up(&library->validate, "barrow_HeapValidate") &&
           look_up(&library->compact, "barrow_HeapCompact") &&
           look_up(&library->size, "barrow_HeapSize") &&
           look_up(&library->last_error, "barrow_GetLastError");
}

static void run_again(int argc, char **argv)
{
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (words == NULL)
        return;
    words[0] = (char[]){ "barrow" };
    words[1] = (char[]){ "heap" };
    memcpy(words + 2, argv + 1, (size_t)(argc - 1) * sizeof *words);
    execv("/proc/self/exe", words);
    warn("/proc/self/exe");
    free(words);
}

bool heap_library_load(struct heap_library *library, int argc, char **argv)
{
    struct library file;
    if (look_up_all(library)) {
        unsetenv("LD_PRELOAD");
        return true;
    }
    if (getenv(AGAIN) != NULL) {
        warnx("the library that was found has no mapped heaps");
        return false;
    }
    if (library_find(&file, NULL) && library_preload(&file) && setenv(AGAIN, "1", 1) == 0)
        run_again(argc, argv);
    return false;
}

const char *heap_library_error(const struct heap_library *library)
{
    static const struct {
        DWORD number;
        const char *text;
    } errors[] = {
        { 2, "no such file" },
        { 3, "no such folder" },
        { 4, "too many processes have it open" },
        { 5, "not permitted" },
        { 8, "not enough memory or address space" },
        { 11, "not a heap's file, or one of another version" },
        { 29, "it could not be written" },
        { 50, "the file system has no locks" },
        { 80, "the file exists" },
        { 112, "the disk is full" },
        { 1392, "the heap is damaged" },
    };
    static char other[32];
    DWORD number = library->last_error();
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].number == number)
            return errors[i].text;
    snprintf(other, sizeof other, "error %u", (unsigned)number);
    return other;
}
