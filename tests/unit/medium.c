/* SPDX-License-Identifier: MIT */
/* Medium blocks: each operation by itself, then all of them at random against a plain list of what is in
 * use, with every page size; no block in use is ever touched, and the checker finds what is wrong. */
#include "test.h"

#include "invariants.h"
#include "medium/check.h"
#include "medium/pages.h"
#include "os/vm.h"
#include "region/region.h"

/* Spans of our own, which the process heap knows nothing of. */
enum { NUMBER = 700002, TAG = NUMBER << TAG_SHIFT | TAG_MEDIUM, BLOCKS = 4000, LONGEST = 256 };

static struct medium medium;

/* ---- stand-ins for the system -------------------------------------------------------------------- */

static size_t page_size; /* 0: as it is */
static size_t purge_calls;
static bool purge_refused;

size_t __real_os_page_size(void);
size_t __wrap_os_page_size(void);

/* what os_discard comes to */
#if defined(_WIN32)
#define __real_os_purge __real_os_discard
#define __wrap_os_purge __wrap_os_discard
#endif
bool __real_os_purge(void *address, size_t size);
bool __wrap_os_purge(void *address, size_t size);

size_t __wrap_os_page_size(void)
{
    return page_size != 0 ? page_size : __real_os_page_size();
}

bool __wrap_os_purge(void *address, size_t size)
{
    purge_calls++;
    if (purge_refused)
        return false;
    assert_true((uintptr_t)address % __wrap_os_page_size() == 0);
    assert_true(size % __wrap_os_page_size() == 0 && size != 0);
    return __real_os_purge(address, size);
}

static __attribute__((noinline)) struct medium_map *map_numbered(uint32_t number)
{
    return map_by_number(number);
}

/* ---- blocks in use, stamped ------------------------------------------------------------------------ */

struct live {
    struct place place;
    uint32_t cells;
    unsigned char stamp;
};

static struct live all[BLOCKS];
static size_t live_count;

static void check(void)
{
    const char *wrong = medium_check(&medium);
    if (wrong != NULL)
        fail_msg("does not hold: %s", wrong);
    size_t cells = 0;
    for (size_t i = 0; i < live_count; i++)
        cells += all[i].cells;
    assert_int_equal(medium.blocks, live_count);
    assert_int_equal(medium.cells - medium.free_cells, cells);
}

static size_t bytes_of(const struct live *live)
{
    return (size_t)live->cells << CELL_SHIFT;
}

static void check_stamp(const struct live *live)
{
    const unsigned char *bytes = (const unsigned char *)place_address(live->place);
    assert_int_equal(bytes[0], live->stamp);
    assert_memory_equal(bytes, bytes + 1, bytes_of(live) - 1);
}

static void stamp(struct live *live)
{
    static unsigned char next;
    live->stamp = ++next;
    memset(place_address(live->place), live->stamp, bytes_of(live));
}

/* What is said to be zero is. */
static void check_zero(const char *bytes, const struct medium_taken *taken, size_t size)
{
    assert_true(taken->zero_from <= taken->zero_end && taken->zero_end <= size);
    for (size_t i = taken->zero_from; i < taken->zero_end; i++)
        if (bytes[i] != 0)
            fail_msg("byte %zu is not zero", i);
}

static struct live *take_aligned(uint32_t cells, uint32_t align)
{
    struct medium_taken taken;
    struct live *live = &all[live_count];
    assert_true(live_count < BLOCKS);
    if (!medium_take(&medium, cells, align, &taken))
        return NULL;
    *live = (struct live){ .place = taken.place, .cells = cells };
    assert_int_equal(state_of(live->place), CELL_LIVE);
    assert_int_equal(place_bytes(live->place), bytes_of(live));
    assert_true((uintptr_t)place_address(live->place) % (align << CELL_SHIFT) == 0);
    check_zero(place_address(live->place), &taken, bytes_of(live));
    stamp(live);
    live_count++;
    return live;
}

static struct place take(uint32_t cells)
{
    struct live *live = take_aligned(cells, 1);
    assert_non_null(live);
    return live->place;
}

/* No free run is left. */
static void fill_up(void)
{
    while (medium.free_cells != 0)
        take(medium.free_cells > LONGEST ? LONGEST : (uint32_t)medium.free_cells);
}

/* What theap_unlock does with spans that are empty and runs that are due. */
static size_t settle(void)
{
    size_t bytes = 0;
    if (medium.due != 0) {
        struct place run = place_at(medium.due);
        medium.due = 0;
        bytes = medium_unpin(&medium, run, medium_discard(run));
    }
    uint32_t emptied = medium.emptied;
    medium.emptied = 0;
    medium_free_emptied(emptied);
    return bytes;
}

static void give_number(size_t i)
{
    struct live live = all[i];
    check_stamp(&live);
    all[i] = all[--live_count];
    assert_true(medium_pass(live.place));
    assert_false(medium_pass(live.place)); /* a second time */
    medium_give(&medium, live.place);
    settle();
}

static void give(struct place place)
{
    for (size_t i = 0; i < live_count; i++)
        if (all[i].place.map == place.map && all[i].place.cell == place.cell) {
            give_number(i);
            return;
        }
    fail_msg("no such block");
}

static void give_all(void)
{
    while (live_count > 0)
        give_number(live_count - 1);
}

static int start(void **state)
{
    (void)state;
    medium = (struct medium){ .tag = TAG };
    page_size = 0;
    purge_refused = false;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    page_size = 0;
    purge_refused = false;
    give_all();
    medium_release_empty(&medium);
    settle();
    check();
    assert_int_equal(medium.spans, 0);
    assert_int_equal(medium.cells, 0);
    check_region();
    return 0;
}

/* ---- lengths and lists ------------------------------------------------------------------------------ */

static void a_block_is_an_eighth_too_long_at_most(void **state)
{
    (void)state;
    size_t before = 1;
    for (size_t size = 0; size <= MEDIUM_MAX; size++) {
        size_t bytes = medium_bytes(size);
        assert_true(bytes >= size && bytes % CELL_SIZE == 0 && bytes <= MEDIUM_MAX);
        assert_true(bytes >= before);
        assert_true(bytes < size + size / 8 + CELL_SIZE + (size == 0));
        assert_int_equal(medium_bytes(bytes), bytes);
        assert_true(medium_keeps(bytes, size));
        before = bytes;
    }
    assert_false(medium_keeps(8192, 8193));
    assert_false(medium_keeps(64 * 1024, 40 * 1024));
}

static void lists_rise_with_the_length(void **state)
{
    (void)state;
    for (uint32_t length = 1; length <= MAP_CELLS; length++) {
        unsigned list = run_list_of(length);
        assert_true(list < RUN_LISTS);
        if (length > 1)
            assert_true(list - run_list_of(length - 1) == (length <= EXACT_LISTS) ||
                        list - run_list_of(length - 1) <= 1);
        if (length <= EXACT_LISTS)
            assert_int_equal(list, length - 1);
    }
    assert_int_equal(run_list_of(MAP_CELLS), RUN_LISTS - 1);
}

/* The lengths of all free runs of the first map, in order. */
static size_t free_lengths(const struct medium_map *map, uint32_t *lengths)
{
    size_t count = 0;
    struct place place = { (struct medium_map *)(uintptr_t)map, 0 };
    for (; medium_next(&place); place.cell += cell_of(place)->length)
        if (state_of(place) < CELL_PINNED)
            lengths[count++] = cell_of(place)->length;
    return count;
}

/* Runs of each length from 1 to 40, apart from each other, in one span of no use otherwise. */
static struct medium_map *make_holes(void)
{
    take(1);
    fill_up(); /* the first span, which is short */
    struct place first = take(1), holes[41];
    for (uint32_t length = 1; length <= 40; length++) {
        holes[length] = take(length);
        take(1);
    }
    fill_up();
    for (uint32_t length = 1; length <= 40; length++)
        give(holes[length]);
    assert_int_equal(medium.spans, 2);
    return first.map;
}

static void the_shortest_run_that_fits_is_taken(void **state)
{
    (void)state;
    uint32_t lengths[MAP_CELLS];
    struct medium_map *map = make_holes();
    for (uint32_t cells = 40; cells > 3; cells -= 3) {
        size_t before = free_lengths(map, lengths);
        give(take(cells)); /* the run of just that length, and it is whole again */
        assert_int_equal(free_lengths(map, lengths), before);
        take(cells);
        assert_int_equal(free_lengths(map, lengths), before - 1);
        for (size_t i = 0; i < before - 1; i++)
            assert_int_not_equal(lengths[i], cells);
        check();
    }
}

static void a_longer_run_is_divided(void **state)
{
    (void)state;
    uint32_t lengths[MAP_CELLS];
    struct place a = take(100);
    take(1);
    give(a);
    struct place b = take(60);
    assert_int_equal(b.cell, a.cell);
    assert_int_equal(free_lengths(a.map, lengths), 2);
    assert_int_equal(lengths[0], 40);
    check();
}

/* ---- joining ---------------------------------------------------------------------------------------- */

static void a_block_is_joined_with_its_neighbours(void **state)
{
    (void)state;
    uint32_t lengths[MAP_CELLS];
    for (int which = 0; which < 4; which++) { /* is what is before free, is what is behind free */
        struct place before = take(7), block = take(9), after = take(11);
        struct medium_map *map = before.map;
        take(1);
        if (which & 1)
            give(before);
        if (which & 2)
            give(after);
        give(block);
        free_lengths(map, lengths);
        assert_int_equal(lengths[0], 9 + (which & 1 ? 7 : 0) + (which & 2 ? 11 : 0));
        check();
        give_all();
        assert_int_equal(free_lengths(map, lengths), 1);
        assert_int_equal(lengths[0], map->cells);
        check();
    }
}

static void aligned_blocks_waste_nothing(void **state)
{
    (void)state;
    for (uint32_t align = 1; align <= GRANULE_CELLS; align *= 2)
        for (uint32_t cells = 1; cells <= LONGEST; cells = cells * 3 / 2 + 1) {
            assert_non_null(take_aligned(cells, align));
            take(3); /* so that the next does not happen to be aligned */
            check(); /* what is not in use is free */
        }
    give_all();
    check();
    assert_int_equal(medium.spans, 1);
}

/* ---- resizing --------------------------------------------------------------------------------------- */

static bool resize(struct place place, uint32_t cells)
{
    struct medium_taken taken = { 0 };
    for (size_t i = 0; i < live_count; i++) {
        struct live *live = &all[i];
        if (live->place.map != place.map || live->place.cell != place.cell)
            continue;
        uint32_t before = live->cells;
        check_stamp(live);
        if (!medium_resize(&medium, place, cells, &taken))
            return false;
        live->cells = cells < before ? cells : before;
        check_stamp(live); /* what there was is as it was */
        live->cells = cells;
        stamp(live);
        return true;
    }
    fail_msg("no such block");
    return false;
}

static void a_block_grows_into_what_is_free_behind_it(void **state)
{
    (void)state;
    struct place block = take(10), next = take(20);
    take(1);
    assert_false(resize(block, 11));
    check();
    give(next);
    assert_false(resize(block, 31));
    assert_true(resize(block, 25));
    check();
    assert_true(resize(block, 30));
    check();
    assert_false(resize(block, 31));
}

static void a_block_gives_its_end_up(void **state)
{
    (void)state;
    uint32_t lengths[MAP_CELLS];
    struct place block = take(30), next = take(5);
    take(1);
    assert_true(resize(block, 20));
    assert_true(resize(block, 20));
    free_lengths(block.map, lengths);
    assert_int_equal(lengths[0], 10);
    give(next);
    assert_true(resize(block, 12));
    free_lengths(block.map, lengths);
    assert_int_equal(lengths[0], 23);
    check();
}

/* ---- spans ------------------------------------------------------------------------------------------ */

/* That the region knows of. */
static size_t spans_in_use(void)
{
    size_t spans = 0;
    for (size_t i = page_map_next(0); i < GRANULES_MAX; i = page_map_next(i))
        spans += span_kind(span_at(i)) == SPAN_MEDIUM;
    return spans;
}

static void empty_spans_go_but_the_last(void **state)
{
    (void)state;
    give(take(10));
    size_t before = spans_in_use();
    for (int i = 0; i < 40; i++)
        take(200);
    assert_true(medium.spans >= 8);
    check();
    give_all();
    check();
    assert_int_equal(medium.spans, 1);
    assert_int_equal(spans_in_use(), before);
    medium_release_empty(&medium);
    settle();
    assert_int_equal(medium.spans, 0);
    assert_int_equal(tag_of(granule_of(place_address((struct place){ map_numbered(1), 0 }))), 0);
}

static void at_the_limit_a_span_is_as_short_as_it_may_be(void **state)
{
    (void)state;
    size_t before = region_settings.commit_limit;
    region_purge(true);
    take(1); /* there is a record for it */
    give_all();
    medium_release_empty(&medium);
    settle();
    region_purge(true);
    region_settings.commit_limit = region_committed() + 5 * GRANULE_SIZE;
    struct place block = take(200);
    assert_int_equal(block.map->cells, 4 * GRANULE_CELLS);
    assert_null(take_aligned(200, 1));
    assert_null(take_aligned(LONGEST, 1));
    take(56);
    take(GRANULE_CELLS);
    assert_null(take_aligned(1, 1));
    check();
    region_settings.commit_limit = before;
    take(200);
    check();
}

/* ---- any address ------------------------------------------------------------------------------------ */

static bool starts_block(const char *address)
{
    for (size_t i = 0; i < live_count; i++)
        if (place_address(all[i].place) == address)
            return true;
    return false;
}

static void starts_are_told_from_all_other_addresses(void **state)
{
    (void)state;
    struct random random = { 17 };
    for (int i = 0; i < 60; i++)
        take(1 + (uint32_t)random_below(&random, 30));
    for (int i = 0; i < 20; i++)
        give_number(random_below(&random, live_count));
    for (struct medium_map *map = map_numbered(medium.maps); map != NULL;
         map = map->next != 0 ? map_numbered(map->next) : NULL)
        for (size_t i = 0; i < (size_t)map->cells << CELL_SHIFT; i++) {
            const char *address = (const char *)map->start + i;
            bool told = map_has_in_use(place_of(address), address);
            if (told != (i % CELL_SIZE == 0 && starts_block(address)))
                fail_msg("%p: %d", (const void *)address, told);
        }
}

static void what_holds_an_address_is_found(void **state)
{
    (void)state;
    struct place a = take(9), b = take(5);
    for (size_t i = 0; i < place_bytes(a) + place_bytes(b); i++) {
        struct place found = map_holder(place_address(a) + i);
        assert_int_equal(found.cell, i < place_bytes(a) ? a.cell : b.cell);
    }
    const char *gone = place_address(a);
    give_all();
    medium_release_empty(&medium);
    assert_null(place_of(gone).map);
    settle();
    const volatile uint32_t others[] = { 0, MAPS_MAX, UINT32_MAX };
    for (size_t i = 0; i < COUNT(others); i++)
        assert_null(map_numbered(others[i]));
}

/* ---- pages ------------------------------------------------------------------------------------------ */

static void fresh_memory_is_known_to_be_zero(void **state)
{
    (void)state;
    struct medium_taken taken;
    region_purge(true);
    assert_true(medium_take(&medium, 64, 1, &taken));
    all[live_count++] = (struct live){ .place = taken.place, .cells = 64 };
    stamp(&all[live_count - 1]);
    if (taken.place.map->zero) {
        assert_int_equal(taken.fresh, taken.place.map->cells * CELL_SIZE);
        assert_int_equal(taken.zero_end - taken.zero_from, 64 * CELL_SIZE);
    }
    give_all();
    assert_true(medium_take(&medium, 64, 1, &taken)); /* it has been written to */
    all[live_count++] = (struct live){ .place = taken.place, .cells = 64 };
    assert_int_equal(taken.fresh, 0);
    assert_int_equal(taken.zero_end, taken.zero_from);
    stamp(&all[0]);
}

/* Who needs the span again is told that its memory is missed. */
static void a_span_with_holes_goes_as_one_without_memory(void **state)
{
    (void)state;
    struct medium_taken taken;
    take(1);
    fill_up(); /* a span that stays */
    size_t first = live_count;
    take(1);
    fill_up();
    while (live_count > first + 1)
        give_number(live_count - 1);
    assert_true(medium_pin(&medium));
    assert_true(settle() != 0);
    region_purge(true);
    give_number(first);
    assert_int_equal(region_dirty(), 0);
    assert_true(medium_take(&medium, 8, 1, &taken));
    all[live_count++] = (struct live){ .place = taken.place, .cells = 8 };
    stamp(&all[live_count - 1]);
    assert_true(taken.place.map->zero);
    assert_int_equal(taken.fresh, taken.place.map->cells * CELL_SIZE);
}

static void rise_and_fall(void)
{
    for (int i = 0; i < 40; i++)
        take(LONGEST);
    give_all();
    settle();
}

/* Records of spans cost no call of the system where the spans' own memory costs none. */
static void maps_keep_their_pages_as_spans_do(void **state)
{
    (void)state;
    int delay = region_settings.purge_delay;
    region_settings.purge_delay = -1;
    rise_and_fall();
    rise_and_fall();
    size_t calls = purge_calls;
    rise_and_fall();
    assert_int_equal(purge_calls, calls);
    maps_purge(true);
    assert_true(__real_os_page_size() != 1 << MAP_PAGE_SHIFT || purge_calls >= calls + 8);
    region_purge(true);
    rise_and_fall();
    region_settings.purge_delay = delay;
}

static void free_pages_go_back(void **state)
{
    (void)state;
    struct place b = take(100);
    fill_up();
    size_t resident = medium_resident(&medium), idle = medium_idle(&medium);
    give(b);
    assert_int_equal(medium_idle(&medium), idle + 100 * CELL_SIZE);
    size_t page = os_page_size(), calls = purge_calls;
    assert_true(medium_pin(&medium));
    assert_false(medium_pin(&medium)); /* one is due already */
    assert_int_equal(state_of(b), CELL_PINNED);
    size_t bytes = settle();
    assert_int_equal(purge_calls, calls + 1);
    assert_true(bytes + 2 * page > 100 * CELL_SIZE && bytes <= 100 * CELL_SIZE);
    assert_int_equal(medium_resident(&medium), resident - bytes);
    assert_int_equal(state_of(b), CELL_CLEAN);
    assert_false(medium_pin(&medium)); /* nothing else is long enough */
    check();
    take(100);
    assert_int_equal(medium_resident(&medium), resident);
    check();
}

static void a_pinned_run_is_left_alone(void **state)
{
    (void)state;
    struct place a = take(20), b = take(100), c = take(20);
    take(1);
    fill_up();
    give(b);
    assert_true(medium_pin(&medium));
    struct place due = place_at(medium.due);
    medium.due = 0;
    give(a);
    give(c);
    assert_int_equal(cell_of(b)->length, 100);
    assert_int_equal(cell_of(a)->length, 20);
    check();
    struct place other = take(100); /* not from there */
    assert_ptr_not_equal(other.map, b.map);
    bool gone = medium_discard(due);
    medium_unpin(&medium, due, gone);
    assert_int_equal(cell_of(a)->length, 140);
    check();
}

static size_t purge_all(void)
{
    struct place runs[1000];
    uint32_t count = medium_pin_dirty(&medium, runs, COUNT(runs));
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool gone = medium_discard(runs[i]);
        bytes += medium_unpin(&medium, runs[i], gone);
    }
    return bytes;
}

static void a_refused_purge_changes_nothing(void **state)
{
    (void)state;
    struct place b = take(100);
    take(1);
    give(b);
    size_t resident = medium_resident(&medium);
    purge_refused = true;
    assert_true(medium_pin(&medium));
    assert_int_equal(settle(), 0);
    assert_int_equal(purge_all(), 0);
    assert_int_equal(medium_resident(&medium), resident);
    check();
    purge_refused = false;
    assert_true(purge_all() != 0);
    check();
}

static void all_free_pages_go_back(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++)
        take(6);
    for (size_t i = 0; i < live_count; i++)
        give_number(i);
    size_t idle = medium_idle(&medium), page = os_page_size();
    size_t bytes = purge_all();
    assert_true(page > 4096 || bytes >= 150 * 4096);
    assert_int_equal(medium_idle(&medium), idle - bytes);
    check();
    assert_int_equal(purge_all(), 0);
}

/* In the child of a fork, whose other threads had pinned runs. */
static void pins_of_threads_that_are_gone_are_undone(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        take(50);
        take(1);
    }
    for (size_t i = 0; i < live_count; i++)
        if (all[i].cells == 50)
            give_number(i--);
    for (int i = 0; i < 20; i++) {
        assert_true(medium_pin(&medium));
        medium.due = 0;
    }
    assert_int_equal(medium.pinned, 20);
    give_all();
    medium_unpin_all(&medium);
    settle();
    assert_int_equal(medium.pinned, 0);
    check();
}

/* Each record that a thread may have had in hand is wrong. */
static void tear(struct random *random)
{
    struct medium_map *next;
    for (struct medium_map *map = map_numbered(medium.maps); map != NULL; map = next) {
        next = map->next != 0 ? map_numbered(map->next) : NULL;
        for (uint32_t i = 0; i < map->cells; i++) {
            if (map->state[i] == CELL_LIVE) { /* what the program has is as it was */
                map->cell[i].before = (uint16_t)random_next(random);
                i += map->cell[i].length - 1U;
                continue;
            }
            map->cell[i].length = (uint16_t)random_next(random);
            if (map->state[i] != CELL_PASSED && random_below(random, 2))
                map->state[i] = (uint8_t)random_below(random, CELL_LIVE);
            map->cell[i].before = (uint16_t)random_next(random);
            map->cell[i].next = map->cell[i].prev = (uint32_t)random_next(random);
        }
        map->next = map->prev = (uint32_t)random_next(random);
        tag_set(granule_of((void *)map->start) + 1, 0);
    }
    uint32_t tag = medium.tag;
    memset(&medium, 0xA5, sizeof medium);
    medium.tag = tag;
}

static void what_was_half_changed_is_made_anew(void **state)
{
    (void)state;
    struct random random = { 4 };
    for (int i = 0; i < 300; i++)
        take(1 + (uint32_t)random_below(&random, 60));
    for (int i = 0; i < 100; i++)
        give_number(random_below(&random, live_count));
    for (int i = 0; i < 50; i++) { /* in a cache, a batch or an inbox that is forgotten */
        size_t which = random_below(&random, live_count);
        assert_true(medium_pass(all[which].place));
        all[which] = all[--live_count];
    }
    tear(&random);
    medium_repair(&medium);
    check();
    for (size_t i = 0; i < live_count; i++)
        check_stamp(&all[i]);
}

/* ---- all together ----------------------------------------------------------------------------------- */

static void operate(struct random *random)
{
    uint32_t cells = 1 + (uint32_t)random_below(random, random_below(random, 4) ? 24 : LONGEST);
    switch (random_below(random, 10)) {
    case 0:
        take_aligned(cells, 1U << random_below(random, 7));
        break;
    case 1:
        if (live_count > 0)
            resize(all[random_below(random, live_count)].place, cells);
        break;
    case 2:
        if (medium_pin(&medium))
            settle();
        break;
    case 3:
    case 4:
    case 5:
        if (live_count < 600)
            take(cells);
        break;
    default:
        if (live_count > 0)
            give_number(random_below(random, live_count));
    }
}

static void many_operations_agree(void **state)
{
    (void)state;
    const size_t pages[] = { 4096, 16384, 65536 };
    struct random random = { 99 };
    for (size_t i = 0; i < COUNT(pages); i++) {
        if (pages[i] < __real_os_page_size())
            continue; /* smaller pages than the machine's can't be played */
        page_size = pages[i];
        for (int round = 0; round < 6000; round++) {
            operate(&random);
            if (round % 50 == 0)
                check();
            if (round % 1500 == 0)
                purge_all();
        }
        give_all();
        medium_release_empty(&medium); /* of another page size than the next */
        settle();
    }
}

/* ---- the checker ------------------------------------------------------------------------------------ */

static void the_checker_finds(const char *what, void *field, size_t size, uint64_t wrong)
{
    uint64_t before = 0;
    memcpy(&before, field, size);
    memcpy(field, &wrong, size);
    const char *found = medium_check(&medium);
    memcpy(field, &before, size);
    if (found == NULL)
        fail_msg("a wrong %s is not found", what);
    check();
}

#define FINDS(field, wrong) the_checker_finds(#field, &(field), sizeof(field), wrong)

static void every_wrong_record_is_found(void **state)
{
    (void)state;
    struct place a = take(8), b = take(9);
    take(1);
    give(a);
    struct medium_map *map = a.map;
    FINDS(medium.cells, medium.cells + 1);
    FINDS(medium.free_cells, medium.free_cells + 1);
    FINDS(medium.untouched, medium.untouched + 1);
    FINDS(medium.blocks, medium.blocks + 1);
    FINDS(medium.spans, 2);
    FINDS(medium.pinned, 1);
    FINDS(medium.tag, medium.tag + 1);
    FINDS(medium.dirty.in_use[0], 0);
    FINDS(medium.dirty.first[7], 0);
    FINDS(map->holes, map->holes + 1);
    FINDS(map->frontier, map->frontier - 1);
    FINDS(map->cells, map->cells - 1);
    FINDS(map->start, map->start + GRANULE_SIZE);
    FINDS(map->touched[0], 0);
    FINDS(map->state[a.cell], CELL_LIVE);
    FINDS(map->state[a.cell], CELL_CLEAN);
    FINDS(map->state[b.cell], CELL_INSIDE);
    FINDS(map->state[b.cell], CELL_DIRTY);
    FINDS(map->state[b.cell + 1], CELL_LIVE);
    FINDS(map->cell[a.cell].length, 7);
    FINDS(map->cell[b.cell].length, 10);
    FINDS(map->cell[b.cell].before, 7);
    FINDS(map->cell[a.cell].prev, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_an_eighth_too_long_at_most),
        cmocka_unit_test(lists_rise_with_the_length),
        cmocka_unit_test_setup_teardown(the_shortest_run_that_fits_is_taken, start, finish),
        cmocka_unit_test_setup_teardown(a_longer_run_is_divided, start, finish),
        cmocka_unit_test_setup_teardown(a_block_is_joined_with_its_neighbours, start, finish),
        cmocka_unit_test_setup_teardown(aligned_blocks_waste_nothing, start, finish),
        cmocka_unit_test_setup_teardown(a_block_grows_into_what_is_free_behind_it, start, finish),
        cmocka_unit_test_setup_teardown(a_block_gives_its_end_up, start, finish),
        cmocka_unit_test_setup_teardown(empty_spans_go_but_the_last, start, finish),
        cmocka_unit_test_setup_teardown(at_the_limit_a_span_is_as_short_as_it_may_be, start,
                                        finish),
        cmocka_unit_test_setup_teardown(starts_are_told_from_all_other_addresses, start, finish),
        cmocka_unit_test_setup_teardown(what_holds_an_address_is_found, start, finish),
        cmocka_unit_test_setup_teardown(fresh_memory_is_known_to_be_zero, start, finish),
        cmocka_unit_test_setup_teardown(a_span_with_holes_goes_as_one_without_memory, start,
                                        finish),
        cmocka_unit_test_setup_teardown(maps_keep_their_pages_as_spans_do, start, finish),
        cmocka_unit_test_setup_teardown(free_pages_go_back, start, finish),
        cmocka_unit_test_setup_teardown(a_pinned_run_is_left_alone, start, finish),
        cmocka_unit_test_setup_teardown(a_refused_purge_changes_nothing, start, finish),
        cmocka_unit_test_setup_teardown(all_free_pages_go_back, start, finish),
        cmocka_unit_test_setup_teardown(pins_of_threads_that_are_gone_are_undone, start, finish),
        cmocka_unit_test_setup_teardown(what_was_half_changed_is_made_anew, start, finish),
        cmocka_unit_test_setup_teardown(many_operations_agree, start, finish),
        cmocka_unit_test_setup_teardown(every_wrong_record_is_found, start, finish),
    };
    return cmocka_run_group_tests_name("medium blocks", tests, NULL, NULL);
}
