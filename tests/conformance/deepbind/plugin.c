/* SPDX-License-Identifier: MIT */
/* A plug-in, and a library that loads one by its bare name (CALLER): its own search path has it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CALLER)

void *open_apart(int flags);
void *open_apart(int flags)
{
    void *volatile library = dlopen("libapart.so", flags); /* no jump: the caller is known by where
                                                              the call returns to */
    return library;
}

#else

char *early; /* made by a constructor, freed by the program */

__attribute__((constructor)) static void start(void)
{
    early = malloc(100);
}

int whose(void);
int whose(void)
{
    return 2;
}

int asks_whose(void);
int asks_whose(void)
{
    return whose();
}

/* Frees what the program made, and returns what it made itself. */
char *use(char *block);
char *use(char *block)
{
    char *text = NULL;
    free(block);
    if (asprintf(&text, "%s-%d", "text", 7) < 0)
        return NULL;
    free(text);
    text = realloc(calloc(3, 100), 5000);
    void *aligned = aligned_alloc(256, 512);
    free(aligned);
    if (posix_memalign(&aligned, 64, 100) == 0)
        free(aligned);
    return text;
}

#endif
