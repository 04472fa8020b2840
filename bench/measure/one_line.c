/* SPDX-License-Identifier: MIT */
/* The smallest program that uses the allocator: what it keeps resident is the allocator's own. */
#include <stdlib.h>

int main(void)
{
    char *volatile block = malloc(1);
    free(block);
    return 0;
}
