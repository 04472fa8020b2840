/* SPDX-License-Identifier: MIT */
/* Each mistake is made once, on blocks among others of their kind, as in a program that has been
 * running for a while. What comes after it is in main.c. No function here knows the allocator. */
#include "mistakes.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/opaque.h"

enum { AROUND = 20, LARGE = 1 << 20 };

static volatile unsigned char sink;

static unsigned char *take(size_t size)
{
    unsigned char *block = malloc(size);

    if (block == NULL)
        abort();
    memset(block, 0x11, size);
    return opaque(block);
}

/* A block in the midst of others of its size, all in use. */
static unsigned char *take_among(size_t size)
{
    unsigned char *blocks[AROUND];

    for (int i = 0; i < AROUND; i++)
        blocks[i] = take(size);
    return blocks[AROUND / 2];
}

static void drop(void *block)
{
    free(opaque(block));
}

/* --- freed twice --------------------------------------------------------------------------- */

static void twice(size_t size)
{
    void *block = take_among(size);

    drop(block);
    drop(block);
}

static void free_twice(void)
{
    twice(64);
}

static void free_twice_large(void)
{
    twice(LARGE);
}

static void free_twice_after_others(void)
{
    void *first = take(64), *others[AROUND];

    for (int i = 0; i < AROUND; i++)
        others[i] = take(64);
    drop(first);
    for (int i = 0; i < AROUND; i++)
        drop(others[i]);
    drop(first);
}

static void *drop_in_thread(void *block)
{
    drop(block);
    return NULL;
}

static void free_twice_by_threads(void)
{
    pthread_t thread;
    void *block = take_among(64);

    drop(block);
    if (pthread_create(&thread, NULL, drop_in_thread, block) != 0)
        abort();
    pthread_join(thread, NULL);
}

static void free_twice_by_realloc(void)
{
    void *block = take_among(64);

    drop(block);
    opaque(realloc(opaque(block), 3000));
}

/* The block has a new owner by the time of the second free. */
static void free_twice_reused(void)
{
    void *block = take(64);

    drop(block);
    void *next = take(64);
    drop(block);
    memset(opaque(next), 0x22, 64);
}

/* --- not a block --------------------------------------------------------------------------- */

static void free_inside(void)
{
    drop(take_among(64) + 16);
}

static void free_inside_large(void)
{
    drop(take_among(LARGE) + 4096);
}

static void free_wild(void)
{
    drop((void *)(uintptr_t)0x4141414141414140);
}

static void free_stack(void)
{
    _Alignas(64) char local[256];

    memset(local, 0, sizeof(local));
    drop(local + 64);
}

static void free_static(void)
{
    static _Alignas(64) char data[256];

    drop(data + 64);
}

/* As of a library that has an allocator of its own. */
static void free_of_other(void)
{
    char *pages = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        abort();
    drop(pages + 4160);
}

/* --- used after free ----------------------------------------------------------------------- */

static unsigned char *freed(size_t size)
{
    unsigned char *block = take_among(size);

    drop(block);
    return opaque(block);
}

static void write_freed_link(void)
{
    memset(freed(64), 0x41, 8);
}

/* What an attacker writes there: the address of something worth writing to. */
static void write_freed_link_aimed(void)
{
    static _Alignas(64) unsigned char target[4096];
    void *address = target + 64;

    memcpy(freed(64), &address, sizeof(address));
}

static void write_freed_inside(void)
{
    memset(freed(100) + 40, 0x41, 8);
}

static void write_freed_large(void)
{
    memset(freed(LARGE) + 5000, 0x41, 8);
}

/* The stale pointer is written through when the block has a new owner. */
static void write_freed_reused(void)
{
    unsigned char *block = freed(64);

    opaque(take(64));
    memset(block + 8, 0x41, 8);
}

static void read_freed(void)
{
    sink = freed(64)[40];
}

/* --- over the end, before the start -------------------------------------------------------- */

static void write_behind(size_t size, size_t count)
{
    unsigned char *block = take_among(size);

    memset(block + opaque_size(size), 0x41, count);
    drop(block);
}

static void overrun_1(void)
{
    write_behind(100, 1);
}

static void overrun_8(void)
{
    write_behind(100, 8);
}

/* The size is one that allocators have blocks of, so the next block follows at once. */
static void overrun_1_full(void)
{
    write_behind(64, 1);
}

static void overrun_8_full(void)
{
    write_behind(64, 8);
}

static void overrun_100_full(void)
{
    write_behind(64, 100);
}

static void overrun_1_large(void)
{
    write_behind(LARGE, 1);
}

/* The block is never freed. */
static void overrun_kept(void)
{
    memset(take_among(100) + 100, 0x41, 8);
}

static void read_behind(void)
{
    sink = take_among(64)[opaque_size(64) + 8];
}

/* What an allocator keeps there may differ from run to run, and by chance be what is written: one
 * run in 256 would make no mistake. So each byte is changed. */
static void write_before(size_t count)
{
    unsigned char *block = take_among(64), *before = block - opaque_size(count);

    for (size_t i = 0; i < count; i++)
        before[i] ^= 0x41;
    drop(block);
}

static void underrun_1(void)
{
    write_before(1);
}

static void underrun_8(void)
{
    write_before(8);
}

const struct mistake mistakes[] = {
    { "free_twice", "block freed twice", free_twice },
    { "free_twice_after_others", "... other frees in between", free_twice_after_others },
    { "free_twice_large", "... of 1 MiB", free_twice_large },
    { "free_twice_by_threads", "... the second time by another thread", free_twice_by_threads },
    { "free_twice_by_realloc", "... the second time by realloc", free_twice_by_realloc },
    { "free_twice_reused", "... when it has a new owner", free_twice_reused },
    { "free_inside", "free of a pointer inside a block", free_inside },
    { "free_inside_large", "... of 1 MiB", free_inside_large },
    { "free_wild", "free of a wild pointer", free_wild },
    { "free_stack", "... of a local variable", free_stack },
    { "free_static", "... of a static variable", free_static },
    { "free_of_other", "... of another allocator's block", free_of_other },
    { "write_freed_link", "first word of a freed block overwritten", write_freed_link },
    { "write_freed_link_aimed", "... with an address", write_freed_link_aimed },
    { "write_freed_inside", "middle of a freed block overwritten", write_freed_inside },
    { "write_freed_large", "... of 1 MiB", write_freed_large },
    { "write_freed_reused", "... when it has a new owner", write_freed_reused },
    { "read_freed", "freed block read", read_freed },
    { "overrun_1", "block of 100 overrun by 1 byte", overrun_1 },
    { "overrun_8", "... by 8", overrun_8 },
    { "overrun_1_full", "block of 64 overrun by 1 byte", overrun_1_full },
    { "overrun_8_full", "... by 8", overrun_8_full },
    { "overrun_100_full", "... by 100", overrun_100_full },
    { "overrun_1_large", "block of 1 MiB overrun by 1 byte", overrun_1_large },
    { "overrun_kept", "block of 100 overrun by 8, and never freed", overrun_kept },
    { "read_behind", "read behind a block", read_behind },
    { "underrun_1", "byte before a block overwritten", underrun_1 },
    { "underrun_8", "... 8 bytes", underrun_8 },
    { NULL, NULL, NULL },
};
