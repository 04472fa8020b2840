/* SPDX-License-Identifier: MIT */
#include "bad_pointers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <dlfcn.h>
#endif

#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"

/* --- never a block ------------------------------------------------------------------------- */

static void *address_one(void)
{
    return (void *)1;
}

static void *address_low(void)
{
    return (void *)0x10;
}

static void *address_pattern(void)
{
    return (void *)(uintptr_t)0xdeadbeefdeadbee0;
}

static void *address_kernel(void)
{
    return (void *)(uintptr_t)0xffffffff81000000;
}

static void *address_top(void)
{
    return (void *)(UINTPTR_MAX - 15);
}

static void *of_stack(void)
{
    static _Thread_local char **kept;
    char local[64];

    kept = (char **)opaque(local); /* the address is all that is wanted of it */
    return (void *)(((uintptr_t)kept + 15) & ~(uintptr_t)15);
}

static void *of_static_data(void)
{
    static _Alignas(64) char data[64];

    return data;
}

static void *of_code(void)
{
    return (void *)((uintptr_t)of_code & ~(uintptr_t)15);
}

static void *mapping(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(pages != MAP_FAILED);
    return pages;
}

static void *of_mmap(void)
{
    return mapping(64 * KIB);
}

static void *of_mmap_inside(void)
{
    return (char *)mapping(2 * MIB) + 4112;
}

static void *of_mmap_huge(void)
{
    uintptr_t pages = (uintptr_t)mmap(NULL, 8 * GIB, PROT_NONE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return (void *)((pages + 4 * GIB) & ~(uintptr_t)(4 * MIB - 1));
}

#ifdef __GLIBC__
/* The C library's own malloc. The library has taken its names, so it is looked up in the C
 * library's file. */
static void *malloc_of_glibc(size_t size)
{
    void *library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *(*own)(size_t) = library == NULL ? NULL : (void *(*)(size_t))dlsym(library, "malloc");

    REQUIRE(own != NULL && own != malloc);
    return own(size);
}

static void *of_glibc(void)
{
    return malloc_of_glibc(100);
}

static void *of_glibc_large(void)
{
    return malloc_of_glibc(10 * MIB);
}
#endif

/* Address space of the heap that nothing was ever allocated in. */
static void *of_empty_heap(void)
{
    return (void *)(((uintptr_t)malloc(100) + 3 * GIB) & ~(uintptr_t)0xffff);
}

/* --- inside a block ------------------------------------------------------------------------ */

static void *inside(size_t size, size_t offset)
{
    char *block = malloc(size);

    REQUIRE(block != NULL);
    memset(block, 0, size < 4096 ? size : 4096);
    return block + offset;
}

static void *inside_by_1(void)
{
    return inside(64, 1);
}

static void *inside_by_8(void)
{
    return inside(64, 8);
}

static void *inside_by_16(void)
{
    return inside(64, 16);
}

static void *inside_odd_class(void)
{
    return inside(1000, 512);
}

static void *inside_medium(void)
{
    return inside(20000, 4096);
}

static void *inside_large_by_16(void)
{
    return inside(MIB, 16);
}

static void *inside_large_by_page(void)
{
    return inside(MIB, 4096);
}

static void *inside_large_by_granule(void)
{
    return inside(MIB, 64 * KIB);
}

static void *inside_huge(void)
{
    return inside(100 * MIB, 64 * MIB);
}

static void *inside_aligned(void)
{
    return (char *)aligned_alloc(4096, 200) + 16;
}

/* --- free already -------------------------------------------------------------------------- */

static void *freed(size_t size)
{
    void *block = malloc(size);

    REQUIRE(block != NULL);
    free(opaque(block));
    return block;
}

static void *freed_8(void)
{
    return freed(8);
}

static void *freed_64(void)
{
    return freed(64);
}

static void *freed_1000(void)
{
    return freed(1000);
}

static void *freed_20000(void)
{
    return freed(20000);
}

static void *freed_large(void)
{
    return freed(MIB);
}

static void *freed_huge(void)
{
    return freed(100 * MIB);
}

static void *freed_aligned(void)
{
    void *block = aligned_alloc(1024, 300);

    free(opaque(block));
    return block;
}

static void *freed_before_another(void)
{
    void *first = malloc(64);
    void *second = malloc(64);

    free(opaque(first));
    free(opaque(second));
    return first;
}

static void *freed_before_many(void)
{
    enum { BLOCKS = 3000 };
    static void *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(48);
    for (size_t i = BLOCKS / 2; i < BLOCKS; i++)
        free(opaque(blocks[i]));
    return blocks[BLOCKS / 2 + 7];
}

/* All around it is free too, so the memory may serve something else or nothing by now. */
static void *freed_with_all(void)
{
    enum { BLOCKS = 3000 };
    static void *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(700);
    for (size_t i = 0; i < BLOCKS; i++)
        free(opaque(blocks[i]));
    malloc_trim(0);
    return blocks[BLOCKS / 2];
}

static void *freed_by_realloc(void)
{
    void *old = malloc(100);
    void *new = realloc(opaque(old), 5000);

    REQUIRE(new != NULL &&new != old);
    return old;
}

static void *freed_by_realloc_zero(void)
{
    void *old = malloc(100);

    REQUIRE(realloc(opaque(old), opaque_size(0)) == NULL);
    return old;
}

static void *thread_frees(void *block)
{
    free(opaque(block));
    return NULL;
}

static void *thread_makes(void *size)
{
    return malloc((size_t)size);
}

static void *thread_makes_and_frees(void *size)
{
    return freed((size_t)size);
}

static void *in_thread(void *body(void *), void *argument)
{
    pthread_t thread;
    void *result;

    REQUIRE(pthread_create(&thread, NULL, body, argument) == 0);
    REQUIRE(pthread_join(thread, &result) == 0);
    return result;
}

static void *freed_by_thread(void)
{
    void *block = malloc(64);

    in_thread(thread_frees, block);
    return block;
}

/* The block is of a thread that has ended. */
static void *freed_for_thread(void)
{
    void *block = in_thread(thread_makes, (void *)64);

    free(opaque(block));
    return block;
}

/* Here the second free, in the calling process, is the remote one. */
static void *freed_by_its_thread(void)
{
    return in_thread(thread_makes_and_frees, (void *)64);
}

const struct bad_pointer bad_pointers[] = {
    { "address_one", address_one, FOREIGN },
    { "address_low", address_low, FOREIGN },
    { "address_pattern", address_pattern, FOREIGN },
    { "address_kernel", address_kernel, FOREIGN },
    { "address_top", address_top, FOREIGN },
    { "of_stack", of_stack, FOREIGN },
    { "of_static_data", of_static_data, FOREIGN },
    { "of_code", of_code, FOREIGN },
    { "of_mmap", of_mmap, FOREIGN },
    { "of_mmap_inside", of_mmap_inside, FOREIGN },
    { "of_mmap_huge", of_mmap_huge, FOREIGN },
#ifdef __GLIBC__
    { "of_glibc", of_glibc, FOREIGN },
    { "of_glibc_large", of_glibc_large, FOREIGN },
#endif
    { "of_empty_heap", of_empty_heap, FOREIGN | FREED },
    { "inside_by_1", inside_by_1, INSIDE },
    { "inside_by_8", inside_by_8, INSIDE },
    { "inside_by_16", inside_by_16, INSIDE },
    { "inside_odd_class", inside_odd_class, INSIDE },
    { "inside_medium", inside_medium, INSIDE },
    { "inside_large_by_16", inside_large_by_16, INSIDE },
    { "inside_large_by_page", inside_large_by_page, INSIDE },
    { "inside_large_by_granule", inside_large_by_granule, INSIDE },
    { "inside_huge", inside_huge, INSIDE },
    { "inside_aligned", inside_aligned, INSIDE },
    { "freed_8", freed_8, FREED },
    { "freed_64", freed_64, FREED },
    { "freed_1000", freed_1000, FREED },
    { "freed_20000", freed_20000, FREED },
    { "freed_large", freed_large, FREED | FOREIGN },
    { "freed_huge", freed_huge, FREED | FOREIGN },
    { "freed_aligned", freed_aligned, FREED | INSIDE },
    { "freed_before_another", freed_before_another, FREED },
    { "freed_before_many", freed_before_many, FREED | FOREIGN },
    { "freed_with_all", freed_with_all, FREED | FOREIGN },
    { "freed_by_realloc", freed_by_realloc, FREED },
    { "freed_by_realloc_zero", freed_by_realloc_zero, FREED },
    { "freed_by_thread", freed_by_thread, FREED },
    { "freed_for_thread", freed_for_thread, FREED },
    { "freed_by_its_thread", freed_by_its_thread, FREED },
    { NULL, NULL, 0 },
};
