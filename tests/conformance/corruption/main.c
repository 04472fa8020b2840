/* SPDX-License-Identifier: MIT */
/* A program that makes one mistake and goes on as if nothing had been.
 *
 *     mistakes            lists the mistakes: "name<TAB>title"
 *     mistakes NAME       makes it
 *
 * Exit status 0: it came to its end and all its later blocks were its own and kept their contents.
 * 4: they did not: two blocks overlap, or something was written into one. Else it was ended by a
 * signal. */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mistakes.h"
#include "support/opaque.h"

enum { BLOCKS = 3000, DAMAGED = 4 };

static size_t size_of(size_t i)
{
    static const size_t sizes[] = { 64, 64, 100, 64, 24, 100, 200, 1000 };

    return sizes[i % 8];
}

static bool holds(const unsigned char *block, size_t size, unsigned char byte)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != byte)
            return false;
    return true;
}

/* A program's life: blocks of the sizes concerned come, are used, looked at again, and go. */
static bool go_on(void)
{
    static unsigned char *blocks[BLOCKS];
    bool sound = true;

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = opaque(malloc(size_of(i)));
        memset(blocks[i], (int)(i % 251), size_of(i));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        sound = sound && holds(blocks[i], size_of(i), (unsigned char)(i % 251));
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    void *large = opaque(malloc(1 << 20));
    free(large);
    return sound;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        for (const struct mistake *mistake = mistakes; mistake->name != NULL; mistake++)
            printf("%s\t%s\n", mistake->name, mistake->title);
    if (argc != 2)
        return 0;
    for (const struct mistake *mistake = mistakes; mistake->name != NULL; mistake++)
        if (strcmp(mistake->name, argv[1]) == 0) {
            mistake->make();
            return go_on() && go_on() ? 0 : DAMAGED;
        }
    return 2;
}
