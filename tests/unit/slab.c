/* SPDX-License-Identifier: MIT */
/* Slabs: blocks are cut, taken, given back and purged, in every class and with every page size, and
 * no block in use is ever touched. */
#include "test.h"

#include "heap/slab.h"
#include "heap/slab_unit.h"
#include "invariants.h"
#include "os/vm.h"
#include "region/region.h"

#include <sys/mman.h>

/* A theap of our own, which the process heap knows nothing of. */
enum { NUMBER = 700001, BLOCKS = 20000 };

static struct theap theap;

/* ---- stand-ins for the system ------------------------------------------------------------- */

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

/* ---- blocks in use, stamped ---------------------------------------------------------------- */

struct live {
    struct block *block;
    size_t size;
    unsigned char stamp;
};

static struct live all[BLOCKS];
static size_t live_count;

static void stamp(struct block *block, size_t size)
{
    assert_true(live_count < BLOCKS);
    struct live *live = &all[live_count];
    *live = (struct live){ block, size, (unsigned char)(live_count * 37 + 1) };
    live_count++;
    memset(block, live->stamp, size);
}

static void check_stamp(const struct live *live)
{
    const unsigned char *bytes = (const unsigned char *)live->block;
    assert_int_equal(bytes[0], live->stamp);
    assert_memory_equal(bytes, bytes + 1, live->size - 1);
}

static void check_stamps(void)
{
    for (size_t i = 0; i < live_count; i++)
        check_stamp(&all[i]);
}

static bool is_zero(const char *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

static uint32_t take(unsigned size_class, uint32_t wanted)
{
    bool zero = false;
    struct chain chain = slab_take(&theap, size_class, wanted, &zero);
    uint32_t count = 0;
    assert_true(chain.count >= 1 && chain.count <= wanted);
    if (zero) {
        assert_int_equal(wanted, 1);
        assert_true(is_zero((const char *)chain.first + 16, size_class_bytes(size_class) - 16));
    }
    for (struct block *next, *block = chain.first; block != BLOCK_END; block = next, count++) {
        next = block_next(block);
        stamp(block, size_class_bytes(size_class));
    }
    assert_int_equal(count, chain.count);
    return count;
}

/* Gives `count` blocks, chosen at random, back in one chain. */
static void give(struct random *random, size_t count)
{
    struct chain chain = { NULL, NULL, 0 };
    for (; count > 0 && live_count > 0; count--) {
        size_t i = random_below(random, live_count);
        check_stamp(&all[i]);
        chain_push(&chain, all[i].block);
        all[i] = all[--live_count];
    }
    if (chain.first != NULL)
        slab_give(&theap, chain.first);
}

static void give_all(void)
{
    struct random random = { 1 };
    give(&random, live_count);
}

static size_t slabs(unsigned size_class, size_t *empty)
{
    size_t count = 0;
    *empty = 0;
    for (int group = 0; group < GROUPS; group++)
        for (uint32_t i = theap.groups[size_class][group]; i != 0; i = span_at(i)->next) {
            count++;
            *empty += group == GROUP_EMPTY;
        }
    return count;
}

static size_t purge_class(unsigned size_class)
{
    static uint32_t found[4096];
    size_t count = 0, purged = 0;
    for (int group = 0; group < GROUPS; group++)
        for (uint32_t i = theap.groups[size_class][group]; i != 0; i = span_at(i)->next) {
            assert_true(count < COUNT(found));
            found[count++] = i;
        }
    for (size_t i = 0; i < count; i++)
        slab_pin(&theap, span_at(found[i]));
    purged = theap_unlock(&theap);
    os_lock(&theap.lock);
    return purged;
}

static int start(void **state)
{
    (void)state;
    theap_init(&theap, NUMBER);
    os_lock(&theap.lock);
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
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        purge_class(size_class);
    check_theap(&theap);
    check_region();
    theap_unlock(&theap);
    return 0;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void every_class_gives_all_its_blocks(void **state)
{
    (void)state;
    /* no slab is due for a search, however much is free */
    theap.allowance.learned = (size_t)1 << 30;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        uint32_t capacity = (uint32_t)(GRANULE_SIZE / size_class_bytes(size_class)), taken = 0;
        size_t empty;
        while (taken < capacity)
            taken += take(size_class, capacity - taken);
        assert_int_equal(taken, capacity);
        assert_int_equal(slabs(size_class, &empty), 1);
        take(size_class, 1);
        assert_int_equal(slabs(size_class, &empty), 2);
        check_theap(&theap);
        check_stamps();
        give_all();
        theap_unlock(&theap); /* gives back what is too much to keep */
        os_lock(&theap.lock);
        check_theap(&theap);
        size_t left = slabs(size_class, &empty);
        assert_true(left <= 1 && empty == left);
    }
}

static void blocks_of_aligned_classes_are_aligned(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        size_t size = size_class_bytes(size_class), align = size & -size;
        take(size_class, 7);
        for (size_t i = 0; i < live_count; i++)
            assert_true((uintptr_t)all[i].block % align == 0);
        give_all();
    }
}

/* A theap's first slabs of a class are short, and so is what a small program commits. */
static void the_first_slabs_of_a_class_are_short(void **state)
{
    static const uint32_t lengths[] = { 1, 1, 2, 4, 4 };
    (void)state;
    theap.allowance.learned = (size_t)1 << 30;
    unsigned size_class = size_class_of(1024);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        take(size_class, 1);
        const struct span *slab = slab_of(all[live_count - 1].block);
        assert_int_equal(slab->granules, lengths[i]);
        for (uint32_t left = slab_capacity(slab) - 1; left > 0;)
            left -= take(size_class, left);
    }
    check_theap(&theap);
    give_all();
}

/* Random takes and gives, checked as they go. */
static void churn(unsigned size_class, struct random *random, int rounds)
{
    size_t most = 4 * (size_t)size_class_capacity(size_class);
    most = most > 4000 ? 4000 : most;
    for (int round = 0; round < rounds; round++) {
        if (random_below(random, 2) == 0 && live_count < most)
            take(size_class,
                 1 + (uint32_t)random_below(random, random_below(random, 8) ? 40 : 600));
        else
            give(random, random_below(random, random_below(random, 8) ? 50 : 700));
        if (random_below(random, 12) == 0)
            purge_class(size_class);
        if (round % 8 == 0)
            check_theap(&theap);
    }
    check_stamps();
    check_theap(&theap);
}

static void many_operations_agree(void **state)
{
    (void)state;
    const size_t pages[] = { 4096, 16384, 65536 };
    struct random random = { 31 };
    for (size_t i = 0; i < COUNT(pages); i++)
        for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class += 3) {
            if (pages[i] < __real_os_page_size())
                continue; /* smaller pages than the machine's can't be played */
            page_size = pages[i];
            churn((size_class + (unsigned)i) % SIZE_CLASSES, &random, 60);
            give_all();
        }
    check_region();
}

static void classes_do_not_mix(void **state)
{
    (void)state;
    struct random random = { 8 };
    for (int round = 0; round < 400; round++) {
        if (random_below(&random, 2) == 0 && live_count < 3000)
            take((unsigned)random_below(&random, SIZE_CLASSES), 20);
        else
            give(&random, 30);
        if (round % 20 == 0)
            check_theap(&theap);
    }
    check_stamps();
    check_theap(&theap);
    check_region();
}

/* A block from a fresh slab is zero behind its first 16 bytes if the slab says so, whatever the
 * neighbours are used for. */
static void what_is_said_to_be_zero_is(void **state)
{
    (void)state;
    for (unsigned size_class = size_class_of(4096); size_class < SIZE_CLASSES; size_class++) {
        region_purge(true);
        for (uint32_t i = 0; i < 2 * size_class_capacity(size_class); i++)
            take(size_class, 1); /* checks, and fills the block */
        struct random random = { size_class };
        give(&random, size_class_capacity(size_class));
        purge_class(size_class);
        for (uint32_t i = 0; i < size_class_capacity(size_class); i++)
            take(size_class, 1);
        check_stamps();
        give_all();
    }
}

/* Pages of the slab that are in memory. */
static size_t resident_pages(const struct span *slab)
{
    static unsigned char map[512];
    size_t count = 0, pages = span_bytes(slab) / os_page_size();
    assert_true(pages <= sizeof map);
    assert_int_equal(mincore(span_start(slab), span_bytes(slab), map), 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    return count;
}

/* A few survivors pin their own pages only. */
static void pages_without_survivors_go_back(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++) {
        uint32_t capacity = size_class_capacity(size_class), taken = 0;
        while (taken < capacity)
            taken += take(size_class, capacity - taken);
        struct span *slab = span_at(span_at(granule_of(all[0].block))->head);
        /* all but the first block, which stands at the start of the list of those in use */
        struct live survivor = all[0];
        all[0] = all[--live_count];
        for (size_t i = 0; i < live_count; i++)
            assert_ptr_not_equal(all[i].block, survivor.block);
        struct random random = { 3 };
        give(&random, live_count);
        size_t before = resident_pages(slab);
        size_t purged = purge_class(size_class);
        assert_int_equal((before - resident_pages(slab)) * os_page_size() <= purged, 1);
        size_t kept = survivor.size / os_page_size() + 2;
        /* blocks longer than a page keep a page each for their links */
        kept += survivor.size > os_page_size() ? capacity : 0;
        assert_true(resident_pages(slab) <= kept);
        check_theap(&theap);
        all[live_count++] = survivor;
        check_stamps();
        give_all();
    }
}

/* Where the system refuses, blocks are free all the same. */
static void a_refused_purge_does_no_harm(void **state)
{
    (void)state;
    struct random random = { 5 };
    purge_refused = true;
    for (unsigned size_class = 2; size_class < SIZE_CLASSES; size_class += 11) {
        churn(size_class, &random, 40);
        give_all();
        check_theap(&theap);
    }
    assert_true(purge_calls > 0);
}

static void an_empty_slab_is_freed_by_the_purge(void **state)
{
    (void)state;
    size_t empty;
    take(10, 5);
    give_all();
    assert_int_equal(slabs(10, &empty), 1);
    purge_class(10);
    assert_int_equal(slabs(10, &empty), 0);
    check_theap(&theap);
    check_region();
}

static void addresses_lead_to_blocks(void **state)
{
    (void)state;
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class += 7) {
        take(size_class, 3);
        struct block *block = all[0].block;
        struct span *slab = span_at(span_at(granule_of(block))->head);
        size_t size = size_class_bytes(size_class), used = size * size_class_capacity(size_class);
        assert_ptr_equal(slab_block_at(slab, block), block);
        assert_ptr_equal(slab_block_at(slab, (char *)block + size - 1), block);
        assert_ptr_equal(slab_block_at(slab, (char *)block + 1), block);
        if (used < span_bytes(slab)) {
            assert_null(slab_block_at(slab, span_start(slab) + used));
            assert_null(slab_block_at(slab, span_start(slab) + span_bytes(slab) - 1));
        }
        for (size_t i = 0; i < live_count; i++)
            assert_true(slab_has_in_use(slab, all[i].block));
        give_all();
        assert_false(slab_has_in_use(slab, block));
    }
}

/* Blocks are taken from the fullest slab, so that the others can run empty. */
static void the_fullest_slab_serves(void **state)
{
    (void)state;
    unsigned size_class = size_class_of(1024);
    uint32_t capacity = size_class_capacity(size_class);
    for (uint32_t taken = 0; taken < 2 * capacity;)
        taken += take(size_class, 2 * capacity - taken);
    struct span *one = span_at(span_at(granule_of(all[0].block))->head);
    struct chain few = { NULL, NULL, 0 }, many = { NULL, NULL, 0 };
    for (size_t i = 0; i < live_count;) {
        bool in_one = span_at(span_at(granule_of(all[i].block))->head) == one;
        if (in_one ? few.count >= capacity / 8 : many.count >= capacity / 2) {
            i++;
            continue;
        }
        chain_push(in_one ? &few : &many, all[i].block);
        all[i] = all[--live_count];
    }
    slab_give(&theap, many.first);
    slab_give(&theap, few.first);
    check_theap(&theap);
    take(size_class, 4);
    for (size_t i = live_count - 4; i < live_count; i++)
        assert_ptr_equal(span_at(span_at(granule_of(all[i].block))->head), one);
}

#define SLAB_TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLAB_TEST(every_class_gives_all_its_blocks),
        SLAB_TEST(the_first_slabs_of_a_class_are_short),
        SLAB_TEST(blocks_of_aligned_classes_are_aligned),
        SLAB_TEST(many_operations_agree),
        SLAB_TEST(classes_do_not_mix),
        SLAB_TEST(what_is_said_to_be_zero_is),
        SLAB_TEST(pages_without_survivors_go_back),
        SLAB_TEST(a_refused_purge_does_no_harm),
        SLAB_TEST(an_empty_slab_is_freed_by_the_purge),
        SLAB_TEST(addresses_lead_to_blocks),
        SLAB_TEST(the_fullest_slab_serves),
    };
    return cmocka_run_group_tests_name("slabs", tests, NULL, NULL);
}
