/* SPDX-License-Identifier: MIT */
/* A stand-in for a registration cache, as MPI and UCX have them for network cards: it hears of
 * memory that goes away by the C library's madvise, munmap, mremap and mmap. Each program hears in
 * one of the ways that such caches use (the argument):
 *
 *   code        the first instructions of the C library's functions are replaced
 *   references  the entries by which libbarrow.so finds the functions are replaced
 *   interposed  the program defines the functions itself, so all libraries find these
 *   allocates   as `code`, and the cache allocates and frees when it hears
 *
 * Every page that was registered (written to by the program, in a block of its own) and is not
 * resident any more must have been heard of. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/memory.h"
#include "support/suite.h"

/* ---- the cache ---------------------------------------------------------------------------- */

enum { RANGES = 4096 };

/* A page-aligned range that the "card" knows. Heard of: it no longer does. */
static struct range {
    _Atomic uintptr_t start, end;
} ranges[RANGES];

static size_t range_count;
static atomic_int heard;
static bool allocates;

static void hear(const void *address, size_t size)
{
    static _Thread_local bool within __attribute__((tls_model("initial-exec")));
    uintptr_t start = (uintptr_t)address, end = start + size;
    atomic_fetch_add(&heard, 1);
    for (size_t i = 0; i < range_count; i++)
        if (ranges[i].start < end && start < ranges[i].end)
            ranges[i].start = ranges[i].end = 0;
    if (allocates && !within) {
        within = true;
        for (size_t n = 16; n <= 1 << 20; n *= 8)
            free(malloc(n));
        within = false;
    }
}

static void enroll(const void *block, size_t size)
{
    uintptr_t page = (uintptr_t)getpagesize();
    uintptr_t start = ((uintptr_t)block + page - 1) & -page,
              end = ((uintptr_t)block + size) & -page;
    if (start >= end)
        return;
    assert_true(range_count < RANGES);
    ranges[range_count].end = end;
    ranges[range_count++].start = start;
}

/* The card's pages must all be there. */
static size_t count_stale(void)
{
    size_t page = (size_t)getpagesize(), stale = 0;
    for (size_t i = 0; i < range_count; i++)
        for (uintptr_t at = ranges[i].start; at < ranges[i].end; at += page) {
            unsigned char in = 0;
            stale += mincore((void *)at, page, &in) != 0 || (in & 1) == 0;
        }
    return stale;
}

static bool is_known(const void *block)
{
    for (size_t i = 0; i < range_count; i++)
        if (ranges[i].start <= (uintptr_t)block && (uintptr_t)block < ranges[i].end)
            return true;
    return false;
}

static int on_madvise(void *address, size_t size, int advice)
{
    if (advice == MADV_DONTNEED || advice == MADV_FREE)
        hear(address, size);
    return (int)syscall(SYS_madvise, address, size, advice);
}

static int on_munmap(void *address, size_t size)
{
    hear(address, size);
    return (int)syscall(SYS_munmap, address, size);
}

static void *on_mremap(void *address, size_t size, size_t wanted, int flags, ...)
{
    void *to = NULL;
    if ((flags & MREMAP_FIXED) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        to = va_arg(arguments, void *);
        va_end(arguments);
        hear(to, wanted);
    }
    hear(address, size);
    return (void *)syscall(SYS_mremap, address, size, wanted, flags, to);
}

/* ---- how it hears ------------------------------------------------------------------------- */

#if !defined(HEARS_INTERPOSED)

static const struct {
    const char *name;
    void *function;
} calls[] = { { "madvise", (void *)on_madvise },
              { "munmap", (void *)on_munmap },
              { "mremap", (void *)on_mremap } };

enum { CALLS = sizeof calls / sizeof calls[0] };

static void allow_writing(void *address, size_t size, int access)
{
    uintptr_t page = (uintptr_t)getpagesize(), start = (uintptr_t)address & -page;
    assert_int_equal(mprotect((void *)start, (uintptr_t)address + size - start, access), 0);
}

/* A jump to an absolute address. */
static void replace_code(const char *name, void *function)
{
#if defined(__x86_64__)
    unsigned char jump[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
    memcpy(jump + 2, &function, sizeof function);
#else
    unsigned char jump[] = { 0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0 };
    memcpy(jump + 8, &function, sizeof function);
#endif
    char *code = dlsym(RTLD_DEFAULT, name);
    assert_non_null(code);
    allow_writing(code, sizeof jump, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(code, jump, sizeof jump);
    __builtin___clear_cache(code, code + sizeof jump);
}

static uintptr_t dynamic_value(const struct dl_phdr_info *object, ElfW(Sxword) tag)
{
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
            for (const ElfW(Dyn) *entry =
                     (const void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
                 entry->d_tag != DT_NULL; entry++)
                if (entry->d_tag == tag)
                    return entry->d_un.d_ptr;
    return 0;
}

static int replace_references(struct dl_phdr_info *object, size_t size, void *count)
{
    (void)size;
    if (strstr(object->dlpi_name, "libbarrow") == NULL)
        return 0;
    const ElfW(Rela) *all = (const void *)dynamic_value(object, DT_JMPREL);
    const ElfW(Sym) *symbols = (const void *)dynamic_value(object, DT_SYMTAB);
    const char *names = (const char *)dynamic_value(object, DT_STRTAB);
    for (size_t i = 0; i < dynamic_value(object, DT_PLTRELSZ) / sizeof *all; i++)
        for (int j = 0; j < CALLS; j++) {
            if (strcmp(names + symbols[ELF64_R_SYM(all[i].r_info)].st_name, calls[j].name) != 0)
                continue;
            void **place = (void **)(object->dlpi_addr + all[i].r_offset);
            allow_writing((void *)place, sizeof *place, PROT_READ | PROT_WRITE);
            *place = calls[j].function;
            ++*(int *)count;
        }
    return 0;
}

static void listen(const char *way)
{
    if (strcmp(way, "references") == 0) {
        int count = 0;
        dl_iterate_phdr(replace_references, &count);
        assert_int_equal(count, CALLS);
        return;
    }
    for (int i = 0; i < CALLS; i++)
        replace_code(calls[i].name, calls[i].function);
    allocates = strcmp(way, "allocates") == 0;
}

#else

int madvise(void *address, size_t size, int advice)
{
    return on_madvise(address, size, advice);
}

int munmap(void *address, size_t size)
{
    return on_munmap(address, size);
}

void *mremap(void *address, size_t size, size_t wanted, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    void *to = va_arg(arguments, void *);
    va_end(arguments);
    return on_mremap(address, size, wanted, flags, to);
}

static void listen(const char *way)
{
    assert_string_equal(way, "interposed");
}

#endif

/* ---- what makes memory go away ------------------------------------------------------------ */

static void *taken(size_t size)
{
    char *block = malloc(size);
    assert_non_null(block);
    memset(block, 1, size);
    enroll(block, size);
    return block;
}

static int forget(void **state)
{
    (void)state;
    range_count = 0;
    atomic_store(&heard, 0);
    return 0;
}

static void freed_large_blocks(void **state)
{
    enum { COUNT = 8 };
    char *blocks[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = taken(4 * MIB);
    for (int i = 0; i < COUNT; i++)
        free(blocks[i]);
    for (int i = 0; i < 100 && atomic_load(&heard) == 0; i++) {
        sleep_milliseconds(20);
        free(malloc(2 * MIB)); /* where there is no background thread */
    }
    sleep_milliseconds(300);
    assert_int_not_equal(atomic_load(&heard), 0);
    assert_int_equal(count_stale(), 0);
}

static void trimmed_small_blocks(void **state)
{
    enum { COUNT = 2000, SIZE = 20000 };
    char *blocks[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = taken(SIZE);
    for (int i = 0; i < COUNT; i++)
        if (i % 8 != 0)
            free(blocks[i]);
    malloc_trim(0);
    assert_int_not_equal(atomic_load(&heard), 0);
    assert_int_equal(count_stale(), 0);
    for (int i = 0; i < COUNT; i += 8) {
        assert_int_equal(blocks[i][SIZE - 1], 1);
        free(blocks[i]);
    }
}

/* realloc moves pages: the old place must be heard of, and so must a place that was in use before.
 */
static void moved_blocks(void **state)
{
    char *first = taken(6 * MIB), *second = taken(6 * MIB);
    int moves = 0;
    (void)state;
    for (size_t size = 8 * MIB; size <= 64 * MIB; size += 8 * MIB) {
        char *was = first;
        first = realloc(first, size);
        assert_non_null(first);
        moves += first != was;
        assert_true(first == was || !is_known(was) || count_stale() == 0);
        memset(first, 2, size);
        enroll(first, size);
        second = realloc(second, size);
        assert_non_null(second);
        memset(second, 3, size);
        enroll(second, size);
        assert_int_equal(count_stale(), 0);
    }
    free(first);
    free(second);
    malloc_trim(0);
    assert_int_not_equal(moves, 0);
    assert_int_not_equal(atomic_load(&heard), 0);
    assert_int_equal(count_stale(), 0);
}

/* The functions of the C library set errno when they fail; malloc and free leave it alone. */
static void errno_is_left_alone(void **state)
{
    (void)state;
    char *locked = taken(4 * MIB);
    assert_int_equal(mlock(locked + MIB, MIB), 0); /* the kernel refuses MADV_DONTNEED of it */
    errno = 4711;
    free(locked);
    malloc_trim(0);
    assert_int_equal(errno, 4711);
    munlock(locked + MIB, MIB);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(freed_large_blocks, forget),
        cmocka_unit_test_setup(trimmed_small_blocks, forget),
        cmocka_unit_test_setup(moved_blocks, forget),
        cmocka_unit_test_setup(errno_is_left_alone, forget),
    };
    listen(argc == 2 ? argv[1] : "");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
