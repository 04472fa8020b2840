/* SPDX-License-Identifier: MIT */
/* framed.c: writes frames as the library's reports have them: of a call in main, and of one in a function that is
 * inlined into it. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static __attribute__((noinline)) void frame(int number)
{
    Dl_info info;
    char *address = __builtin_return_address(0);
    if (dladdr(address, &info) == 0)
        return;
    printf("barrow:     #%d %s+0x%zx\n", number, strrchr(info.dli_fname, '/') + 1,
           (size_t)(address - (char *)info.dli_fbase));
}

static inline __attribute__((always_inline)) void inlined(void)
{
    frame(1);
    __asm__ volatile(""); /* the call is no jump */
}

int main(void)
{
    frame(0);
    inlined();
    puts("barrow:     #2 not-there+0x10");
    puts("a line of the program's own: #0 framed+0x10");
    return 0;
}
