/* SPDX-License-Identifier: MIT */
/* A row of places, each of one page that is never accessible and 64 KiB that a block may stand at
 * the end of. Its pages are made accessible when it is handed out, and inaccessible when it is
 * freed; the place is then the last to be used again. What the program may not touch of those pages
 * (up to 15 bytes behind the block, for its alignment, and what is before it) is guard bytes.
 *
 * Two mappings for each block in use: at most 512. */
#include "heap/sampled.h"

#include "heap/checked_block.h"
#include "heap/random.h"
#include "heap/sampled_report.h"
#include "os/fault.h"
#include "os/lock.h"
#include "os/process.h"
#include "os/thread_words.h"
#include "os/vm.h"

#include <string.h>

enum {
    PLACES = 256,
    PLACE_BYTES = 64 * 1024,
    SPACE_LEAST = 1024 * 1024 * 1024 /* where a program may have less, it gets no samples */
};

static struct {
    uint32_t every; /* 0: there are none */
    char *area, *end;
    size_t step; /* from place to place: a page and PLACE_BYTES */
    struct sampled_place *places;
    struct os_lock lock; /* of the queue of places that are free */
    uint32_t queue[PLACES], first, count;
} sampled;

/* ---- places ------------------------------------------------------------------------------- */

static char *data_of(uint32_t i)
{
    return sampled.area + i * sampled.step + os_page_size();
}

static struct sampled_place *place_of(const void *address)
{
    size_t i = (size_t)((const char *)address - sampled.area) / sampled.step;
    return &sampled.places[i < PLACES ? i : PLACES - 1];
}

static char *end_of(const struct sampled_place *place)
{
    return data_of((uint32_t)(place - sampled.places)) + PLACE_BYTES;
}

/* Where the pages in use start. */
static char *start_of(const struct sampled_place *place)
{
    return (char *)((uintptr_t)place->block & ~(uintptr_t)(os_page_size() - 1));
}

static enum sampled_state state_of(const struct sampled_place *place)
{
    return atomic_load_explicit(&place->state, memory_order_acquire);
}

static bool take_place(uint32_t *place)
{
    if (os_lock_is_mine(&sampled.lock))
        return false;
    os_lock(&sampled.lock);
    bool any = sampled.count != 0;
    if (any) {
        *place = sampled.queue[sampled.first];
        sampled.first = (sampled.first + 1) % PLACES;
        sampled.count--;
    }
    os_unlock(&sampled.lock);
    return any;
}

/* A signal handler that interrupted this thread in here leaves its place unused for good. */
static void put_place(uint32_t place)
{
    if (os_lock_is_mine(&sampled.lock))
        return;
    os_lock(&sampled.lock);
    sampled.queue[(sampled.first + sampled.count) % PLACES] = place;
    sampled.count++;
    os_unlock(&sampled.lock);
}

/* ---- faults ------------------------------------------------------------------------------- */

/* The block that an access was meant for: the one that ends before the page, if it did not miss by
 * more than that page; else the one of the place. */
static const struct sampled_place *meant(const char *address)
{
    const struct sampled_place *place = place_of(address);
    const char *data = data_of((uint32_t)(place - sampled.places));
    bool before = address < data && place > sampled.places && place[-1].block != NULL;
    return before || place->block == NULL ? place - (place > sampled.places) : place;
}

static void see_fault(const void *address)
{
    if (sampled_owns(address))
        sampled_report_fault(meant(address), address);
}

/* ---- blocks ------------------------------------------------------------------------------- */

void sampled_start(uint32_t every)
{
    size_t step = os_page_size() + PLACE_BYTES, size = PLACES * step + os_page_size();
    if (!os_has_address_space(SPACE_LEAST))
        return;
    size_t records = round_up(PLACES * sizeof(struct sampled_place), os_page_size());
    char *area = os_reserve(size), *places = os_reserve(records);
    if (area == NULL || places == NULL || !os_commit(places, records))
        return;
    os_exclude_from_dumps(area, size);
    sampled.places = (struct sampled_place *)(void *)places;
    sampled.step = step;
    sampled.area = area;
    sampled.end = area + size;
    for (uint32_t i = 0; i < PLACES; i++)
        put_place(i);
    os_stack_prepare();
    os_on_fault(see_fault);
    sampled.every = every;
}

static bool is_due(void)
{
    if (likely(thread_words()->until_sample > 1)) {
        thread_words()->until_sample--;
        return false;
    }
    bool first =
        thread_words()->until_sample == 0; /* in this thread: its turn is not yet, unless all are */
    thread_words()->until_sample = 1 + random_below(2 * sampled.every - 1);
    return !first || sampled.every == 1;
}

static void *place_block(struct sampled_place *place, size_t align, size_t size)
{
    uintptr_t end = (uintptr_t)end_of(place);
    align = align < 16 ? 16 : align;
    place->block = (void *)((end - size) & ~(uintptr_t)(align - 1));
    place->size = size;
    char *start = start_of(place);
    if (!os_commit(start, (size_t)(end_of(place) - start)))
        return NULL;
    char *block = place->block;
    memset(start, GUARD_BYTE, (size_t)(block - start));
    memset(block + size, GUARD_BYTE, (size_t)(end_of(place) - block) - size);
    sampled_trace(&place->allocated);
    place->freed = (struct trace){ 0 };
    atomic_store_explicit(&place->state, SAMPLED_LIVE, memory_order_release);
    return block;
}

void *sampled_alloc(size_t align, size_t size)
{
    uint32_t place;
    if (sampled.every == 0 || align > os_page_size() || size > PLACE_BYTES - os_page_size() ||
        size == 0 || !is_due() || !take_place(&place))
        return NULL;
    void *block = place_block(&sampled.places[place], align, size);
    if (block == NULL)
        put_place(place);
    return block;
}

bool sampled_owns(const void *address)
{
    return (const char *)address >= sampled.area && (const char *)address < sampled.end;
}

static void look(const struct sampled_place *place, const char *call)
{
    const unsigned char *block = place->block, *end = (unsigned char *)end_of(place);
    const unsigned char *at = checked_first_other(block + place->size, end, GUARD_BYTE);
    if (at == NULL)
        at = checked_first_other((unsigned char *)start_of(place), block, GUARD_BYTE);
    if (at != NULL)
        sampled_report_guard(place, at, call);
}

static struct sampled_place *find(const void *block, const char *call)
{
    struct sampled_place *place = place_of(block);
    if (state_of(place) != SAMPLED_LIVE || place->block != block)
        sampled_report_call(place, block, call);
    return place;
}

bool sampled_is_block(const void *address)
{
    const struct sampled_place *place = place_of(address);
    return state_of(place) == SAMPLED_LIVE && place->block == address;
}

size_t sampled_size(const void *block, const char *call)
{
    return find(block, call)->size;
}

void sampled_free(void *block, const char *call)
{
    struct sampled_place *place = find(block, call);
    enum sampled_state live = SAMPLED_LIVE;
    look(place, call);
    if (!atomic_compare_exchange_strong_explicit(&place->state, &live, SAMPLED_FREED,
                                                 memory_order_acq_rel, memory_order_acquire))
        sampled_report_call(place, block, call);
    sampled_trace(&place->freed);
    char *start = start_of(place);
    size_t size = (size_t)(end_of(place) - start);
    /* memory that can't be taken away (it is locked) is out of use all the same, for a while */
    os_purge(start, size);
    if (os_forbid(start, size))
        put_place((uint32_t)(place - sampled.places));
}

/* What it loses is looked at with the guard bytes, but not before the next call. */
bool sampled_shrink(void *block, size_t size, const char *call)
{
    struct sampled_place *place = find(block, call);
    if (size > place->size)
        return false;
    look(place, call);
    memset((char *)block + size, GUARD_BYTE, place->size - size);
    place->size = size;
    return true;
}

void *sampled_next(const void *after, size_t *size)
{
    uint32_t i = after != NULL ? (uint32_t)(place_of(after) - sampled.places) + 1 : 0;
    for (; sampled.every != 0 && i < PLACES; i++)
        if (state_of(&sampled.places[i]) == SAMPLED_LIVE) {
            *size = sampled.places[i].size;
            return sampled.places[i].block;
        }
    return NULL;
}

void sampled_check(const char *call)
{
    for (uint32_t i = 0; sampled.every != 0 && i < PLACES; i++)
        if (state_of(&sampled.places[i]) == SAMPLED_LIVE)
            look(&sampled.places[i], call);
}

/* The queue may have been changing: then the child does without. Blocks in use stay so. */
void sampled_after_fork(void)
{
    if (!os_lock_is_held(&sampled.lock) || os_lock_is_mine(&sampled.lock))
        return;
    os_lock_reset(&sampled.lock);
    sampled.count = 0;
}
