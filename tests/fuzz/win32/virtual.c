/* SPDX-License-Identifier: MIT */
/* virtual.c: random calls of the Virtual functions and of views, against a model of the address
 * space.
 *
 * The model is an array with one entry for each page of an arena that nobody else uses, and
 * computes each answer in the plainest way. After each call the result, the last error and the
 * pages that were concerned must agree; every so often all pages and their contents are compared.
 * Arguments: number of calls, seed. */
#include <windows.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE    4096u
#define GRANULE 65536u
#define PAGES   512u /* of the arena */

struct page {
    int allocation; /* its first page, -1: free */
    DWORD alloc_protect;
    DWORD protect; /* 0: reserved or free */
    int view;      /* of the section */
    unsigned char contents;
};

static struct page model[PAGES];
static int used_to[PAGES]; /* for the first page of an allocation: its end */
static char *arena;
static HANDLE section; /* readable and writable memory, as large as a quarter of the arena */
static unsigned char section_contents[PAGES / 4];
static uint64_t random_state;
static unsigned long call_number;

static uint32_t rnd(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 33) % below);
}

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("call %lu: %s\n", call_number, #condition);                                \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

/* The first page of a range and the page behind it, for bytes from a place in the arena. */
struct range {
    uint32_t at, bytes; /* from the arena's start */
    int first, end;
};

static struct range any_range(void)
{
    struct range r;
    uint32_t longest = rnd(4) == 0 ? 64 : 8;
    r.at = rnd(PAGES) * PAGE + (rnd(3) == 0 ? rnd(PAGE) : 0);
    if (rnd(3) == 0)
        r.at = r.at / GRANULE * GRANULE;
    r.bytes = rnd(3) == 0 ? rnd(longest * PAGE) : rnd(longest + 1) * PAGE;
    if (rnd(20) == 0)
        r.bytes = 0;
    if (r.at + r.bytes > PAGES * PAGE)
        r.bytes = PAGES * PAGE - r.at;
    r.first = (int)(r.at / PAGE);
    r.end = (int)((r.at + r.bytes + PAGE - 1) / PAGE);
    return r;
}

static DWORD any_protect(int *valid)
{
    static const DWORD good[] = { PAGE_NOACCESS, PAGE_READONLY,     PAGE_READWRITE,
                                  PAGE_EXECUTE,  PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE };
    static const DWORD bad[] = { 0, 3, 6, PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY, 0x12, 0x101 };
    *valid = rnd(10) != 0;
    if (!*valid)
        return bad[rnd(7)];
    return rnd(2) ? PAGE_READWRITE : good[rnd(6)];
}

static int all_in_allocation(int first, int end)
{
    if (model[first].allocation < 0)
        return 0;
    for (int i = first; i < end; i++) {
        if (i >= (int)PAGES || model[i].allocation != model[first].allocation)
            return 0;
    }
    return 1;
}

static int all_committed(int first, int end)
{
    for (int i = first; i < end; i++) {
        if (model[i].protect == 0)
            return 0;
    }
    return 1;
}

static int readable(const struct page *p)
{
    return p->protect != 0 && p->protect != PAGE_NOACCESS;
}

static int writable(const struct page *p)
{
    return p->protect == PAGE_READWRITE || p->protect == PAGE_EXECUTE_READWRITE;
}

/* No page of the granules that [first, end) touches belongs to an allocation. */
static int granules_free(int first, int end)
{
    int from = first / 16 * 16, to = (end + 15) / 16 * 16;
    for (int i = from; i < to && i < (int)PAGES; i++) {
        if (model[i].allocation >= 0)
            return 0;
    }
    return 1;
}

static void model_reserve(int first, int end, DWORD protect, int committed, int view)
{
    for (int i = first; i < end; i++) {
        model[i].allocation = first;
        model[i].alloc_protect = protect;
        model[i].protect = committed ? protect : 0;
        model[i].view = view;
        model[i].contents = 0;
    }
    used_to[first] = end;
}

static void model_release(int first)
{
    for (int i = first; i < used_to[first]; i++) {
        model[i].allocation = -1;
        model[i].protect = 0;
        model[i].view = 0;
    }
}

static void expect_failure(int failed, DWORD error)
{
    check(failed);
    if (GetLastError() != error)
        print_error("last error %u instead of %u\n", (unsigned)GetLastError(), (unsigned)error);
    check(GetLastError() == error);
}

static void fuzz_reserve(void)
{
    struct range r = any_range();
    int valid, commit = rnd(2) == 0;
    DWORD protect = any_protect(&valid);
    int first = r.first / 16 * 16;
    char *p = VirtualAlloc(arena + r.at, r.bytes, MEM_RESERVE | (commit ? MEM_COMMIT : 0), protect);
    if (r.bytes == 0 || !valid) {
        expect_failure(p == NULL, ERROR_INVALID_PARAMETER);
    } else if (!granules_free(first, r.end)) {
        expect_failure(p == NULL, ERROR_INVALID_ADDRESS);
    } else {
        check(p == arena + first * (int)PAGE);
        model_reserve(first, r.end, protect, commit, 0);
    }
}

static int fits_view(DWORD protect)
{
    return protect == PAGE_READWRITE || protect == PAGE_READONLY || protect == PAGE_NOACCESS;
}

static void fuzz_commit(void)
{
    struct range r = any_range();
    int valid;
    DWORD protect = any_protect(&valid);
    char *p = VirtualAlloc(arena + r.at, r.bytes, MEM_COMMIT, protect);
    int copies = protect == PAGE_WRITECOPY || protect == PAGE_EXECUTE_WRITECOPY;
    if (r.bytes == 0 || (!valid && !(copies && model[r.first].view))) {
        expect_failure(p == NULL, ERROR_INVALID_PARAMETER);
    } else if (!all_in_allocation(r.first, r.end)) {
        expect_failure(p == NULL, ERROR_INVALID_ADDRESS);
    } else if (model[r.first].view && protect != PAGE_WRITECOPY && !fits_view(protect)) {
        expect_failure(p == NULL, ERROR_INVALID_PARAMETER);
    } else if (copies) { /* undone, the model has no such pages */
        DWORD old;
        check(p == arena + r.first * (int)PAGE);
        for (int i = r.first; i < r.end; i++)
            check(VirtualProtect(arena + i * (int)PAGE, PAGE, model[i].protect, &old));
    } else {
        check(p == arena + r.first * (int)PAGE);
        for (int i = r.first; i < r.end; i++) {
            if (model[i].protect == 0)
                model[i].contents = 0;
            model[i].protect = protect;
        }
    }
}

static void fuzz_decommit(void)
{
    struct range r = any_range();
    BOOL done = VirtualFree(arena + r.at, r.bytes, MEM_DECOMMIT);
    const struct page *p = &model[r.first];
    if (p->allocation < 0) {
        expect_failure(!done, ERROR_INVALID_ADDRESS);
        return;
    }
    if (p->view) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
        return;
    }
    if (r.bytes == 0 && r.first != p->allocation) {
        expect_failure(!done, ERROR_INVALID_ADDRESS);
        return;
    }
    int end = r.bytes == 0 ? used_to[p->allocation] : r.end;
    if (end > used_to[p->allocation]) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
        return;
    }
    check(done);
    for (int i = r.first; i < end; i++)
        model[i].protect = 0;
}

static void fuzz_release(void)
{
    struct range r = any_range();
    const struct page *p = &model[r.first];
    if (rnd(10) != 0)
        r.bytes = 0;
    BOOL done = VirtualFree(arena + r.at, r.bytes, MEM_RELEASE);
    if (r.bytes != 0) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
    } else if (p->allocation >= 0 && p->view) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
    } else if (p->allocation < 0 || p->allocation != r.first) {
        expect_failure(!done, ERROR_INVALID_ADDRESS);
    } else {
        check(done);
        model_release(r.first);
    }
}

static void fuzz_protect(void)
{
    struct range r = any_range();
    int valid;
    DWORD protect = any_protect(&valid), old = 12345;
    BOOL done = VirtualProtect(arena + r.at, r.bytes, protect, &old);
    int kind_exists = valid || protect == PAGE_WRITECOPY || protect == PAGE_EXECUTE_WRITECOPY;
    if (r.bytes == 0 || !kind_exists) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
    } else if (!all_in_allocation(r.first, r.end) || !all_committed(r.first, r.end)) {
        expect_failure(!done, ERROR_INVALID_ADDRESS);
    } else if (!valid && !(model[r.first].view && protect == PAGE_WRITECOPY)) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
    } else if (model[r.first].view && valid && !fits_view(protect)) {
        expect_failure(!done, ERROR_INVALID_PARAMETER);
    } else if (!valid) { /* a view's pages became copy-on-write: undone, the model has no such */
        check(done && old == model[r.first].protect);
        for (int i = r.first; i < r.end; i++)
            check(VirtualProtect(arena + i * (int)PAGE, PAGE, model[i].protect, &old));
    } else {
        check(done && old == model[r.first].protect);
        for (int i = r.first; i < r.end; i++)
            model[i].protect = protect;
    }
}

static int some_zero(int first, int end)
{
    for (int i = first; i < end; i++) {
        if (writable(&model[i]) && !model[i].view && model[i].contents == 0)
            return 1;
    }
    return 0;
}

static void fuzz_reset(void)
{
    struct range r = any_range();
    int undo = rnd(2) == 0;
    char *p = VirtualAlloc(arena + r.at, r.bytes, undo ? MEM_RESET_UNDO : MEM_RESET, PAGE_NOACCESS);
    if (r.bytes == 0) {
        expect_failure(p == NULL, ERROR_INVALID_PARAMETER);
    } else if (!all_in_allocation(r.first, r.end)) {
        expect_failure(p == NULL, ERROR_INVALID_ADDRESS);
    } else if (p == NULL) { /* with memory to spare nothing is lost, but zeros look so */
        expect_failure(undo && some_zero(r.first, r.end), ERROR_GEN_FAILURE);
    } else {
        check(p == arena + r.first * (int)PAGE);
    }
}

static void fuzz_map(void)
{
    uint32_t pages = PAGES / 4, offset = rnd(pages / 16 + 1) * 16;
    int at = (int)rnd(PAGES / 16) * 16;
    SIZE_T size = rnd(3) == 0 ? 0 : rnd(40 * PAGE);
    DWORD access = rnd(2) ? FILE_MAP_WRITE : FILE_MAP_READ;
    char *p = MapViewOfFileEx(section, access, 0, offset * PAGE, size, arena + at * (int)PAGE);
    if (size == 0 && offset >= pages) {
        expect_failure(p == NULL, ERROR_INVALID_PARAMETER);
        return;
    }
    if (size == 0)
        size = (pages - offset) * PAGE;
    if (offset * PAGE + size > pages * PAGE) {
        expect_failure(p == NULL, ERROR_ACCESS_DENIED);
        return;
    }
    int end = at + (int)((size + PAGE - 1) / PAGE);
    if (end > (int)PAGES) { /* it left the arena: nothing is known of what lies there */
        if (p != NULL)
            UnmapViewOfFile(p);
        return;
    }
    if (!granules_free(at, end)) {
        expect_failure(p == NULL, ERROR_INVALID_ADDRESS);
        return;
    }
    check(p == arena + at * (int)PAGE);
    if (access == FILE_MAP_READ) { /* the model has views for writing only */
        check(*(volatile unsigned char *)p == section_contents[offset]);
        check(UnmapViewOfFile(p));
        return;
    }
    model_reserve(at, end, PAGE_READWRITE, 1, (int)offset + 1);
    for (int i = at; i < end; i++)
        model[i].view = (int)offset + (i - at) + 1;
}

static void fuzz_unmap(void)
{
    struct range r = any_range();
    const struct page *p = &model[r.first];
    BOOL done = UnmapViewOfFile(arena + r.at);
    if (p->allocation >= 0 && p->view) {
        check(done);
        model_release(p->allocation);
    } else {
        expect_failure(!done, ERROR_INVALID_ADDRESS);
    }
}

static unsigned char *contents_of(int i)
{
    return model[i].view ? &section_contents[model[i].view - 1] : &model[i].contents;
}

static void fuzz_touch(void)
{
    int i = (int)rnd(PAGES);
    volatile unsigned char *byte = (volatile unsigned char *)arena + i * (int)PAGE;
    if (readable(&model[i]))
        check(*byte == *contents_of(i));
    if (writable(&model[i])) {
        *byte = (unsigned char)rnd(256);
        *contents_of(i) = *byte;
    }
}

static int alike(int a, int b)
{
    return model[a].allocation == model[b].allocation && model[a].protect == model[b].protect;
}

static void check_page(int i)
{
    MEMORY_BASIC_INFORMATION info;
    const struct page *p = &model[i];
    int end = i + 1;
    while (end < (int)PAGES && alike(i, end))
        end++;
    check(VirtualQuery(arena + i * (int)PAGE + rnd(PAGE), &info, sizeof(info)) == sizeof(info));
    check(info.BaseAddress == arena + i * (int)PAGE);
    if (p->allocation < 0) {
        check(info.State == MEM_FREE && info.AllocationBase == NULL && info.Type == 0);
        check(end == (int)PAGES || info.RegionSize == (SIZE_T)(end - i) * PAGE);
        return;
    }
    check(info.AllocationBase == arena + p->allocation * (int)PAGE);
    check(info.AllocationProtect == p->alloc_protect);
    check(info.State == (p->protect != 0 ? MEM_COMMIT : MEM_RESERVE));
    check(info.Protect == p->protect);
    check(info.RegionSize == (SIZE_T)(end - i) * PAGE);
    check(info.Type == (p->view ? MEM_MAPPED : MEM_PRIVATE));
}

static void check_all(void)
{
    for (int i = 0; i < (int)PAGES; i++) {
        check_page(i);
        if (readable(&model[i]))
            check(((unsigned char *)arena)[i * (int)PAGE] == *contents_of(i));
    }
}

static void one_call(void)
{
    static void (*const calls[])(void) = { fuzz_reserve, fuzz_commit, fuzz_decommit, fuzz_release,
                                           fuzz_protect, fuzz_reset,  fuzz_map,      fuzz_unmap,
                                           fuzz_touch,   fuzz_touch,  fuzz_commit,   fuzz_protect };
    SetLastError(0xDEADBEEF);
    calls[rnd(sizeof(calls) / sizeof(calls[0]))]();
    check_page((int)rnd(PAGES));
}

static unsigned long calls_wanted = 1000000;

static void a_million_calls_agree_with_the_model(void **state)
{
    (void)state;
    arena = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE, PAGE_NOACCESS);
    section =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGES / 4 * PAGE, NULL);
    assert_non_null(arena);
    assert_non_null(section);
    assert_true(VirtualFree(arena, 0, MEM_RELEASE));
    for (unsigned i = 0; i < PAGES; i++)
        model[i].allocation = -1;
    for (call_number = 0; call_number < calls_wanted; call_number++) {
        one_call();
        if (call_number % 20000 == 0)
            check_all();
    }
    check_all();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_calls_agree_with_the_model),
    };
    if (argc > 1)
        calls_wanted = strtoul(argv[1], NULL, 0);
    random_state = argc > 2 ? strtoull(argv[2], NULL, 0) : 88172645463325252u;
    print_message("%lu calls, seed %llu\n", calls_wanted, (unsigned long long)random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
