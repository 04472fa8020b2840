/* SPDX-License-Identifier: MIT */
/* Regions: spans are taken, grown, shrunk, moved and given back; what is said to be zero is zero;
 * the account and every descriptor agree all the time. */
#include "test.h"

#include "invariants.h"
#include "os/vm.h"
#include "region/arena.h"
#include "region/check.h"
#include "region/grow.h"

#include <sys/mman.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/syscall.h>
#endif
#include <unistd.h>

enum { GRANULES_PER_MIB = MIB / GRANULE_SIZE };

static struct span *alloc(size_t granules)
{
    bool zero;
    struct span *span = region_alloc(granules, 1, 0, SPAN_LARGE, &zero);
    assert_non_null(span);
    return span;
}

static int purge_everything(void **state)
{
    (void)state;
    region_settings.commit_limit = 0;
    region_settings.purge_delay = -1;
    region_purge(true);
    return 0;
}

static bool is_zero(const char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* Bytes of [start, start+length) that are in memory. */
static size_t resident(void *start, size_t length)
{
    size_t page = os_page_size(), pages = length / page, count = 0;
    static unsigned char map[4096];
    assert_true(pages <= sizeof map);
    assert_int_equal(mincore(start, length, map), 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    return count * page;
}

/* ---- taking and giving back --------------------------------------------------------------- */

static void a_span_is_what_was_asked_for(void **state)
{
    (void)state;
    for (size_t granules = 1; granules <= 100; granules = granules * 3 / 2 + 1) {
        size_t before = region_committed() - region_dirty();
        struct span *span = alloc(granules);
        assert_int_equal(span->granules, granules);
        assert_int_equal(span->room, 0);
        assert_int_equal(span_kind(span), SPAN_LARGE);
        assert_true((uintptr_t)span_start(span) % GRANULE_SIZE == 0);
        assert_ptr_equal(span_at(granule_of(span_start(span))), span);
        assert_int_equal(region_committed() - region_dirty() - before, granules << GRANULE_SHIFT);
        memset(span_start(span), 1, span_bytes(span));
        check_region();
        region_free(span);
        assert_int_equal(region_committed() - region_dirty(), before);
        check_region();
    }
}

static void alignment_is_as_asked(void **state)
{
    (void)state;
    struct span *spans[11];
    for (unsigned log = 0; log <= 10; log++) {
        bool zero;
        spans[log] = region_alloc(3, (size_t)1 << log, 0, SPAN_LARGE, &zero);
        assert_non_null(spans[log]);
        assert_true((uintptr_t)span_start(spans[log]) % ((size_t)GRANULE_SIZE << log) == 0);
        check_region();
    }
    for (unsigned log = 0; log <= 10; log++)
        region_free(spans[log]);
    check_region();
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    bool zero;
    size_t all = GRANULES_MAX;
    const size_t sizes[] = { all, all + 1, SIZE_MAX >> GRANULE_SHIFT };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_null(region_alloc(sizes[i], 1, 0, SPAN_LARGE, &zero));
        assert_null(region_alloc(sizes[i], 1, sizes[i] * 3, SPAN_LARGE, &zero));
        assert_null(region_alloc(1, (size_t)1 << 47, 0, SPAN_LARGE, &zero));
        assert_null(region_alloc(sizes[i], (size_t)1 << 47, 0, SPAN_LARGE, &zero));
    }
    check_region();
    region_free(alloc(1));
}

/* Address space is granted for more than the system has memory for; the page map does not follow it there. */
static void a_refused_span_leaves_no_tables(void **state)
{
    (void)state;
    const size_t tib = (size_t)GRANULES_PER_MIB << 20;
    struct region_figures before, after;
    bool zero;
    region_figures(&before);
    struct span *span = region_alloc(16 * tib, 1, 0, SPAN_LARGE, &zero);
    region_figures(&after);
    if (span != NULL) {
        region_free(span);
        skip(); /* a system that grants everything */
    }
    assert_true(after.reserved <= before.reserved);
}

static void an_address_leads_to_its_span(void **state)
{
    (void)state;
    struct span *span = alloc(7);
    char *start = span_start(span);
    assert_ptr_equal(region_find(start), span);
    assert_ptr_equal(region_find(start + 1), span);
    assert_ptr_equal(region_find(start + span_bytes(span) - 1), span);
    assert_ptr_not_equal(region_find(start + span_bytes(span)), span);
    assert_ptr_not_equal(region_find(start - 1), span);
    assert_null(region_find(NULL));
    assert_null(region_find((void *)&span));
    assert_null(region_find((void *)UINTPTR_MAX));
    assert_null(region_find((void *)(GRANULES_MAX << GRANULE_SHIFT)));
    assert_null(region_find((void *)((GRANULES_MAX << GRANULE_SHIFT) - 1)));
    region_free(span);
}

static void room_belongs_to_nobody(void **state)
{
    (void)state;
    bool zero;
    struct span *span = region_alloc(4, 1, 12, SPAN_LARGE, &zero);
    assert_non_null(span);
    if (span->room != 0)
        assert_null(region_find(span_start(span) + span_bytes(span)));
    region_free(span);
}

/* ---- growing and shrinking ---------------------------------------------------------------- */

static void a_span_grows_into_its_room(void **state)
{
    (void)state;
    bool zero;
    struct span *span = region_alloc(4, 1, 12, SPAN_LARGE, &zero);
    assert_non_null(span);
    assert_int_equal(span->room, 12);
    check_region();
    size_t before = region_committed();
    memset(span_start(span), 1, span_bytes(span));
    assert_true(region_grow(span, 10, &zero));
    assert_true(zero);
    assert_int_equal(span->granules, 10);
    assert_int_equal(span->room, 6);
    assert_int_equal(region_committed() - before, (size_t)6 << GRANULE_SHIFT);
    assert_true(is_zero(span_start(span) + 4 * GRANULE_SIZE, 6 * GRANULE_SIZE));
    check_region();
    assert_true(region_grow(span, 16, &zero));
    assert_int_equal(span->room, 0);
    check_region();
    region_free(span);
    check_region();
}

/* What follows a span that was taken from fresh address space is reserved, and is committed then. */
static void a_span_grows_into_reserved_memory(void **state)
{
    (void)state;
    bool zero, grown = false;
    struct span *ballast = alloc(9000); /* or address space would go back */
    struct span *whole = alloc(3000);
    region_free(whole);
    region_purge(true);
    for (size_t granules = 900; granules < 3000 && !grown; granules += 100) {
        struct span *span = alloc(granules);
        grown = region_grow(span, granules + 5, &zero);
        assert_int_equal(span->granules, grown ? granules + 5 : granules);
        if (grown && zero)
            assert_true(
                is_zero(span_start(span) + span_bytes(span) - 5 * GRANULE_SIZE, 5 * GRANULE_SIZE));
        check_region();
        region_free(span);
        region_purge(true);
    }
    assert_true(grown);
    region_free(ballast);
}

static void a_span_grows_into_free_memory_behind_it(void **state)
{
    (void)state;
    bool zero;
    struct span *whole = alloc(20);
    memset(span_start(whole), 1, span_bytes(whole));
    region_shrink(whole, 5);
    check_region();
    assert_true(region_grow(whole, 12, &zero));
    if (zero)
        assert_true(is_zero(span_start(whole) + 5 * GRANULE_SIZE, 7 * GRANULE_SIZE));
    assert_int_equal(*span_start(whole), 1);
    check_region();
    region_free(whole);
    check_region();
}

static void what_is_in_use_stops_growth(void **state)
{
    (void)state;
    bool zero;
    struct span *span = alloc(20);
    region_shrink(span, 19);
    struct span *behind = NULL, *taken[64];
    size_t count = 0;
    do
        behind = taken[count++] = alloc(1);
    while (count < COUNT(taken) && span_index(behind) != span_index(span) + 19);
    if (span_index(behind) == span_index(span) + 19) {
        assert_false(region_grow(span, 20, &zero));
        assert_int_equal(span->granules, 19);
    }
    check_region();
    while (count > 0)
        region_free(taken[--count]);
    region_free(span);
    check_region();
}

/* The rest of a span, with its room, is free after it has been shortened. */
static void shrinking_gives_the_rest_back(void **state)
{
    (void)state;
    bool zero;
    struct span *span = region_alloc(16, 1, 16, SPAN_LARGE, &zero);
    assert_non_null(span);
    size_t dirty = region_dirty();
    memset(span_start(span), 7, span_bytes(span));
    region_shrink(span, 3);
    assert_int_equal(span->granules, 3);
    assert_int_equal(span->room, 0);
    assert_int_equal(region_dirty() - dirty, (size_t)13 << GRANULE_SHIFT);
    assert_int_equal(span_start(span)[3 * GRANULE_SIZE - 1], 7);
    check_region();
    region_free(span);
    check_region();
}

/* ---- moving ------------------------------------------------------------------------------- */

static void fill_numbers(struct span *span, unsigned seed)
{
    uint32_t *words = (uint32_t *)(void *)span_start(span);
    for (size_t i = 0; i < span_bytes(span) / sizeof *words; i += 256)
        words[i] = (uint32_t)(seed + i);
}

static void check_numbers(struct span *span, size_t granules, unsigned seed)
{
    const uint32_t *words = (const uint32_t *)(void *)span_start(span);
    for (size_t i = 0; i < (granules << GRANULE_SHIFT) / sizeof *words; i += 256)
        assert_int_equal(words[i], (uint32_t)(seed + i));
}

/* Moved or not, the contents are there once, and the target stays usable. */
static struct span *move(struct span *from, size_t granules, unsigned seed)
{
    struct span *to = alloc(granules);
    size_t bytes = span_bytes(from);
    if (region_move(from, to, bytes) == OS_MOVED) {
        assert_true(to->moved);
        assert_true(is_zero(span_start(from), bytes));
    } else {
        assert_false(to->moved);
        check_numbers(from, from->granules, seed);
        memcpy(span_start(to), span_start(from), bytes);
    }
    check_numbers(to, from->granules, seed);
    region_free(from);
    check_region();
    return to;
}

static void pages_move_with_their_contents(void **state)
{
    (void)state;
    struct span *span = alloc(8);
    fill_numbers(span, 5);
    span = move(span, 20, 5);
    fill_numbers(span, 6); /* the target is memory like any other */
    span = move(span, 20, 6);
    region_free(span);
    check_region();
}

/* What has been moved and then grew in place lies in two mappings. */
static void what_was_moved_and_grew_moves_again(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        bool zero;
        struct span *span = alloc(8);
        fill_numbers(span, round);
        span = move(span, 9, round);
        if (region_grow(span, 12, &zero))
            assert_int_equal(span->granules, 12);
        fill_numbers(span, round);
        span = move(span, 30, round);
        region_shrink(span, 4);
        check_region();
        check_numbers(span, 4, round);
        region_free(span);
    }
}

static size_t own_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t count = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start;
        if (sscanf(line, "%lx", &start) == 1 && granule_is_ours(start >> GRANULE_SHIFT) &&
            span_kind(span_at(start >> GRANULE_SHIFT)) != SPAN_NONE)
            count++;
    }
    fclose(maps);
    return count;
}

/* However much is moved, freed and grown, the mappings stay few. */
static void mappings_stay_few(void **state)
{
    (void)state;
    struct random random = { 77 };
    struct span *spans[40] = { NULL };
    for (int i = 0; i < 3000; i++) {
        struct span **span = &spans[random_below(&random, COUNT(spans))];
        bool zero;
        if (*span == NULL) {
            *span = alloc(1 + random_below(&random, 8));
            continue;
        }
        switch (random_below(&random, 4)) {
        case 0:
            region_free(*span);
            *span = NULL;
            break;
        case 1:
            fill_numbers(*span, 1);
            *span = move(*span, (*span)->granules + random_below(&random, 4), 1);
            break;
        case 2:
            region_grow(*span, (*span)->granules + 1, &zero);
            break;
        default:
            if ((*span)->granules > 1)
                region_shrink(*span, (*span)->granules - 1);
        }
    }
    check_region();
    assert_true(own_mappings() <= 64);
    for (size_t i = 0; i < COUNT(spans); i++)
        if (spans[i] != NULL)
            region_free(spans[i]);
    check_region();
}

/* ---- purging ------------------------------------------------------------------------------ */

/* Without a delay, nothing that is free stays. */
static void freed_memory_goes_back_at_once(void **state)
{
    (void)state;
    struct region_figures before, after;
    region_figures(&before);
    region_settings.purge_delay = 0;
    struct span *span = alloc(2 * GRANULES_PER_MIB);
    char *start = span_start(span);
    memset(start, 1, 2 * MIB);
    assert_int_equal(resident(start, 2 * MIB), 2 * MIB);
    region_free(span);
    region_settings.purge_delay = -1;
    assert_int_equal(region_dirty(), 0);
    assert_int_equal(resident(start, 2 * MIB), 0);
    region_figures(&after);
    assert_int_equal(after.purged - before.purged, 2 * MIB);
    check_region();
    assert_int_equal(region_purge(true), 0);
}

enum { BURST = 64 };

/* Takes, writes and frees spans of a MiB; how many bytes were given back meanwhile. */
static size_t burst(void)
{
    struct region_figures before, after;
    struct span *spans[BURST];
    region_figures(&before);
    for (size_t i = 0; i < BURST; i++)
        memset(span_start(spans[i] = alloc(GRANULES_PER_MIB)), 1, MIB);
    for (size_t i = 0; i < BURST; i++)
        region_free(spans[i]);
    region_figures(&after);
    return after.purged - before.purged;
}

/* One burst leaves little; those that follow it soon find the memory that the last one left. */
static void the_allowance_is_learned(void **state)
{
    (void)state;
    region_settings.purge_delay = 60 * 1000; /* no period ends meanwhile */
    assert_true(burst() >= (BURST - 4) * MIB);
    assert_true(region_dirty() <= 4 * MIB);
    check_region();
    burst();
    assert_int_equal(burst(), 0);
    assert_int_equal(burst(), 0);
    assert_true(region_dirty() >= (BURST - 4) * MIB);
    region_settings.purge_delay = -1;
    check_region();
}

static void assert_in_proportion(void)
{
    struct region_figures figures;
    region_figures(&figures);
    if (figures.reserved > 2 * figures.committed + 64 * MIB)
        fail_msg("%zu reserved, %zu committed", figures.reserved, figures.committed);
}

/* Address space keeps to twice what is committed, and a fixed amount, while the heap grows and while
 * it shrinks. Where whole regions only go back, it does when all is freed. */
static void address_space_is_in_proportion(void **state)
{
    (void)state;
    enum { SPANS = 200 };
    struct span *spans[SPANS];
    region_settings.purge_delay = 0;
    for (size_t i = 0; i < SPANS; i++) {
        spans[i] = alloc(4 * GRANULES_PER_MIB);
        assert_in_proportion();
    }
    for (size_t i = 0; i < SPANS; i++) {
        region_free(spans[i]);
        if (OS_RELEASES_PARTS || i == SPANS - 1)
            assert_in_proportion();
        if (i % 16 == 0)
            check_region();
    }
    region_settings.purge_delay = -1;
    check_region();
}

#if !defined(_WIN32)
/* Blocks that stay are spread over address space that has grown large. As few holes as there may be are
 * enough for three of them; where they are not, the bound is twice as wide. */
static void address_space_goes_back_between_survivors(void **state)
{
    (void)state;
    enum { SPANS = 4096, MANY = 128, FEW = 3 };
    static struct span *spans[SPANS];
    struct region_figures figures;
    region_settings.purge_delay = 0;
    for (size_t i = 0; i < SPANS; i++)
        spans[i] = alloc(GRANULES_PER_MIB);
    for (size_t i = 0; i < SPANS; i++)
        if (i % (SPANS / MANY) != 0)
            region_free(spans[i]);
    region_figures(&figures);
    assert_in_range(figures.reserved, 0, 4 * figures.committed + 64 * MIB);
    check_region();
    for (size_t i = 0; i < SPANS; i += SPANS / MANY)
        if (i % (SPANS / FEW) >= SPANS / MANY)
            region_free(spans[i]);
    assert_in_proportion();
    check_region();
    for (size_t i = 0; i < SPANS; i += SPANS / MANY)
        if (i % (SPANS / FEW) < SPANS / MANY)
            region_free(spans[i]);
    assert_in_proportion();
    region_settings.purge_delay = -1;
    check_region();
}

/* What a region is reserved for is in no list when others may look, however fast they are. */
static void a_region_is_handed_to_who_reserved_it(void **state)
{
    (void)state;
    enum { GRANULES = 100, WISHED = 200, ALIGN = 8 };
    size_t taken = 0;
    uint32_t index = grow_reserve(GRANULES, ALIGN, WISHED, &taken);
    assert_int_not_equal(index, 0);
    assert_int_equal(index % ALIGN, 0);
    assert_in_range(taken, GRANULES, WISHED);
    assert_null(region_find(granule_start(index)));
    assert_null(region_find(granule_start(index + taken - 1)));
    assert_null(region_check(false));
    assert_true(grow_commit(index, taken));
    arena_insert_clean(ground(), index, taken);
    assert_non_null(region_find(granule_start(index)));
    check_region();
}
#endif

#if defined(_WIN32)
/* Bytes of the page map's leaves that the process is charged for. */
static size_t charged_for_leaves(size_t *leaves)
{
    size_t sum = 0, last = SIZE_MAX;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i)) {
        if (i >> LEAF_SHIFT == last)
            continue;
        last = i >> LEAF_SHIFT;
        ++*leaves;
        char *at = (char *)span_at(last << LEAF_SHIFT), *end = (char *)leaf_of(i) + GRANULE_SIZE;
        MEMORY_BASIC_INFORMATION part;
        for (; at < end; at = (char *)part.BaseAddress + part.RegionSize) {
            assert_int_not_equal(VirtualQuery(at, &part, sizeof part), 0);
            sum += part.State == MEM_COMMIT ? part.RegionSize : 0;
        }
    }
    return sum;
}

/* A leaf covers 1 GiB: its tags are charged for whole, its descriptors as far as regions have gone. No
 * test before this one has made the heap larger. */
static void the_charge_for_tables_follows_the_heap(void **state)
{
    (void)state;
    enum { SPANS = 40 };
    struct span *spans[SPANS];
    for (size_t i = 0; i < SPANS; i++) {
        struct region_figures figures;
        size_t leaves = 0;
        spans[i] = alloc(4 * GRANULES_PER_MIB);
        region_figures(&figures);
        size_t charged = charged_for_leaves(&leaves);
        assert_true(leaves > 0 && charged > 0);
        if (charged > leaves * (LEAF_TAGS_BYTES + 8 * 1024) + figures.reserved / 256)
            fail_msg("%zu bytes in %zu leaves for %zu reserved", charged, leaves, figures.reserved);
    }
    for (size_t i = 0; i < SPANS; i++)
        region_free(spans[i]);
}
#endif

/* The closest fit of many runs is found wherever it is: none is given up for another. */
static void a_run_that_fits_is_found(void **state)
{
    (void)state;
    enum { RUNS = 60, GRANULES = 40 };
    struct span *spans[2 * RUNS];
    bool zero;
    for (size_t i = 0; i < RUNS; i++) {
        spans[2 * i] = alloc(i == RUNS / 2 ? GRANULES + 1 : GRANULES);
        spans[2 * i + 1] = alloc(1);
    }
    for (size_t i = 0; i < RUNS; i++)
        region_free(spans[2 * i]);
    region_settings.commit_limit = region_committed(); /* nothing else may serve */
    struct span *span = region_alloc(GRANULES + 1, 1, 0, SPAN_LARGE, &zero);
    assert_non_null(span);
    region_settings.commit_limit = 0;
    region_free(span);
    for (size_t i = 0; i < RUNS; i++)
        region_free(spans[2 * i + 1]);
    check_region();
}

static void purging_all_waits_for_nothing(void **state)
{
    (void)state;
    struct span *span = alloc(GRANULES_PER_MIB);
    char *start = span_start(span);
    memset(start, 1, MIB);
    region_free(span);
    assert_int_equal(region_purge(true), MIB);
    assert_int_equal(resident(start, MIB), 0);
    check_region();
}

static void clean_memory_is_zero(void **state)
{
    (void)state;
    bool zero;
    struct span *span = alloc(GRANULES_PER_MIB);
    memset(span_start(span), 1, MIB);
    region_free(span);
    span = region_alloc(GRANULES_PER_MIB, 1, 0, SPAN_LARGE, &zero);
    assert_false(zero); /* just freed, and the closest fit */
    region_free(span);
    region_purge(true);
    span = region_alloc(GRANULES_PER_MIB, 1, 0, SPAN_LARGE, &zero);
    assert_true(zero);
    assert_true(is_zero(span_start(span), MIB));
    region_free(span);
}

#if !defined(_WIN32)
/* Locked memory goes back where the system can do it, from Linux 5.18 on; else it stays dirty, and is
 * not lost track of. The calls are made by number, for sanitizers make mlock do nothing. */
static void locked_memory_is_not_lost(void **state)
{
    (void)state;
    struct span *span = alloc(1);
    char *start = span_start(span);
    memset(start, 1, GRANULE_SIZE);
    assert_int_equal(syscall(SYS_mlock, start, (size_t)GRANULE_SIZE), 0);
    region_free(span);
    size_t purged = region_purge(true);
    assert_true(purged == 0 || purged == GRANULE_SIZE);
    assert_int_equal(region_dirty(), GRANULE_SIZE - purged);
    check_region();
    assert_int_equal(syscall(SYS_munlock, start, (size_t)GRANULE_SIZE), 0);
    assert_int_equal(purged + region_purge(true), GRANULE_SIZE);
    check_region();
}
#endif

/* ---- the limit ---------------------------------------------------------------------------- */

static void the_limit_holds(void **state)
{
    (void)state;
    struct span *spans[32];
    size_t count = 0;
    bool zero;
    region_settings.commit_limit = region_committed() + 10 * GRANULE_SIZE;
    while (count < COUNT(spans) &&
           (spans[count] = region_alloc(1, 1, 0, SPAN_LARGE, &zero)) != NULL)
        count++;
    assert_int_equal(count, 10);
    assert_true(region_committed() <= region_settings.commit_limit);
    check_region();
    /* what is freed can be had again, in whatever shape */
    region_free(spans[--count]);
    region_free(spans[--count]);
    struct span *two = region_alloc(2, 1, 0, SPAN_LARGE, &zero);
    assert_non_null(two);
    assert_null(region_alloc(1, 1, 0, SPAN_LARGE, &zero));
    region_free(two);
    while (count > 0)
        region_free(spans[--count]);
    check_region();
}

static void growth_keeps_to_the_limit(void **state)
{
    (void)state;
    for (size_t more = 0; more <= 24; more++) {
        bool zero;
        region_purge(true);
        struct span *span = region_alloc(4, 1, 8, SPAN_LARGE, &zero);
        assert_non_null(span);
        region_settings.commit_limit = region_committed() + 10 * GRANULE_SIZE;
        bool grown = region_grow(span, 4 + more, &zero);
        assert_true(region_committed() <= region_settings.commit_limit);
        assert_true(!grown || more <= 10);
        assert_int_equal(span->granules, grown ? 4 + more : 4);
        check_region();
        region_settings.commit_limit = 0;
        region_free(span);
    }
}

/* ---- all together ------------------------------------------------------------------------- */

enum { SPANS = 60 };

struct one {
    struct span *span;
    unsigned seed;
};

static void stamp(struct one *one, unsigned seed)
{
    one->seed = seed;
    fill_numbers(one->span, seed);
}

static void alloc_one(struct one *one, struct random *random)
{
    bool zero;
    size_t granules = 1 + random_below(random, random_below(random, 5) == 0 ? 60 : 6);
    size_t align = random_below(random, 6) == 0 ? (size_t)1 << random_below(random, 5) : 1;
    size_t room = random_below(random, 4) == 0 ? granules * 3 : 0;
    one->span = region_alloc(granules, align, room, SPAN_LARGE, &zero);
    assert_non_null(one->span);
    assert_true((uintptr_t)span_start(one->span) % (align << GRANULE_SHIFT) == 0);
    if (zero)
        assert_true(is_zero(span_start(one->span), span_bytes(one->span)));
    stamp(one, (unsigned)random_next(random));
}

static void grow_one(struct one *one, struct random *random)
{
    bool zero;
    size_t before = one->span->granules, after = before + 1 + random_below(random, 10);
    if (!region_grow(one->span, after, &zero)) {
        assert_int_equal(one->span->granules, before);
        return;
    }
    if (zero)
        assert_true(is_zero(span_start(one->span) + (before << GRANULE_SHIFT),
                            (after - before) << GRANULE_SHIFT));
    check_numbers(one->span, before, one->seed);
    stamp(one, one->seed);
}

static void change_one(struct one *one, struct random *random)
{
    check_numbers(one->span, one->span->granules, one->seed);
    switch (random_below(random, 6)) {
    case 0:
    case 1:
        grow_one(one, random);
        break;
    case 2:
        if (one->span->granules > 1)
            region_shrink(one->span, 1 + random_below(random, one->span->granules - 1));
        break;
    case 3:
        one->span = move(one->span, one->span->granules + random_below(random, 5), one->seed);
        stamp(one, one->seed);
        break;
    default:
        region_free(one->span);
        one->span = NULL;
    }
}

static void many_operations_agree(void **state)
{
    (void)state;
    static struct one all[SPANS];
    struct random random = { 4711 };
    for (int i = 0; i < 4000; i++) {
        struct one *one = &all[random_below(&random, SPANS)];
        if (random_below(&random, 40) == 0)
            region_purge(random_below(&random, 3) == 0);
        if (one->span == NULL)
            alloc_one(one, &random);
        else
            change_one(one, &random);
        if (i % 16 == 0)
            check_region();
    }
    for (size_t i = 0; i < SPANS; i++)
        if (all[i].span != NULL)
            region_free(all[i].span);
    check_region();
    region_purge(true);
    check_region();
}

static void meta_memory_is_zero_and_apart(void **state)
{
    (void)state;
    char *last = NULL;
    for (size_t size = 1; size < 200000; size = size * 2 + 1) {
        char *memory = region_meta(size);
        assert_non_null(memory);
        assert_true((uintptr_t)memory % CACHE_LINE == 0);
        assert_true(is_zero(memory, size));
        assert_null(region_find(memory));
        memset(memory, 1, size);
        assert_ptr_not_equal(memory, last);
        last = memory;
    }
    check_region();
}

static int start(void **state)
{
    region_free(alloc(1));
    return purge_everything(state);
}

#define REGION_TEST(test) cmocka_unit_test_setup_teardown(test, purge_everything, purge_everything)

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(_WIN32)
        REGION_TEST(the_charge_for_tables_follows_the_heap),
#endif
        REGION_TEST(a_span_is_what_was_asked_for),
        REGION_TEST(alignment_is_as_asked),
        REGION_TEST(impossible_sizes_are_refused),
        REGION_TEST(a_refused_span_leaves_no_tables),
        REGION_TEST(an_address_leads_to_its_span),
        REGION_TEST(room_belongs_to_nobody),
        REGION_TEST(a_span_grows_into_its_room),
        REGION_TEST(a_span_grows_into_reserved_memory),
        REGION_TEST(a_span_grows_into_free_memory_behind_it),
        REGION_TEST(what_is_in_use_stops_growth),
        REGION_TEST(shrinking_gives_the_rest_back),
        REGION_TEST(pages_move_with_their_contents),
        REGION_TEST(what_was_moved_and_grew_moves_again),
        REGION_TEST(mappings_stay_few),
        REGION_TEST(freed_memory_goes_back_at_once),
        REGION_TEST(the_allowance_is_learned),
        REGION_TEST(address_space_is_in_proportion),
#if !defined(_WIN32)
        REGION_TEST(address_space_goes_back_between_survivors),
        REGION_TEST(a_region_is_handed_to_who_reserved_it),
#endif
        REGION_TEST(a_run_that_fits_is_found),
        REGION_TEST(purging_all_waits_for_nothing),
        REGION_TEST(clean_memory_is_zero),
#if !defined(_WIN32)
        REGION_TEST(locked_memory_is_not_lost),
#endif
        REGION_TEST(the_limit_holds),
        REGION_TEST(growth_keeps_to_the_limit),
        REGION_TEST(many_operations_agree),
        REGION_TEST(meta_memory_is_zero_and_apart),
    };
    return cmocka_run_group_tests_name("region", tests, start, purge_everything);
}
