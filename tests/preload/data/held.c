/* SPDX-License-Identifier: MIT */
/* Holds 20,000 small blocks, frees nine tenths of them, and waits to be looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 20000, SIZE = 1000, FREED = 18000 };

int main(void)
{
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        memset(blocks[i], 1, SIZE);
    }
    for (int i = 0; i < FREED; i++)
        free(blocks[i]);
    puts("ready");
    fflush(stdout);
    sleep(60);
}
