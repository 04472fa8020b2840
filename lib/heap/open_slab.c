/* SPDX-License-Identifier: MIT */
#include "heap/open_slab.h"

#include "heap/slab.h"
#include "region/region.h"

/* A slab is looked at when it has this part of the blocks in use left that it had when it was opened,
 * and when it is empty. */
enum {
    LEFT_SHIFT = 2,
    BLOCK_MOST =
        1024, /* of longer blocks each is given back by itself: it may free a page at once */
    RECORDS_AT_ONCE = 16
};

/* ---- records ------------------------------------------------------------------------------ */

static void put_record(struct theap *theap, struct open_slab *record)
{
    record->next = theap->unused_records;
    theap->unused_records = record;
}

static struct open_slab *take_record(struct theap *theap)
{
    if (theap->unused_records == NULL) {
        struct open_slab *records = region_meta(RECORDS_AT_ONCE * sizeof *records);
        for (int i = 0; records != NULL && i < RECORDS_AT_ONCE; i++)
            put_record(theap, &records[i]);
    }
    struct open_slab *record = theap->unused_records;
    if (record != NULL)
        theap->unused_records = record->next;
    return record;
}

/* Before another one of the class, which may be itself. */
static void link_before(struct open_slab *open, struct open_slab *next)
{
    open->next = next;
    open->prev = next->prev;
    open->prev->next = open;
    next->prev = open;
}

static void unlink(struct open_slab *open)
{
    open->next->prev = open->prev;
    open->prev->next = open->next;
}

static void add_record(struct theap *theap, struct open_slab *open)
{
    struct open_slab **newest = &theap->open[open->slab->size_class];
    open->next = open->prev = open;
    if (*newest != NULL)
        link_before(open, *newest);
    *newest = open;
}

static void remove_record(struct theap *theap, struct open_slab *open)
{
    struct open_slab **newest = &theap->open[open->slab->size_class];
    unlink(open);
    if (*newest == open)
        *newest = open->next != open ? open->next : NULL;
}

/* ---- open and close ----------------------------------------------------------------------- */

/* The slab's places that lead to `from` lead to `to`. A place that another thread vacates meanwhile is
 * no start's any more, wherever it leads, see own_slabs.h. */
static void lead(struct own_slabs *own, const struct span *slab, const struct bin *from,
                 const struct bin *to)
{
    for (uint32_t i = 0; i < slab->granules; i++)
        own_slabs_lead(own, span_index(slab) + i, from, to);
}

/* How many frees more the record has room for, with so many blocks in the program's hands. */
static uint32_t room_for(uint32_t used)
{
    return used - (used >> LEFT_SHIFT) - 1;
}

/* Takes all that the slab has free, and says how many frees more the record has room for. */
static struct chain take_all(struct theap *theap, struct span *slab, uint32_t *room)
{
    struct chain chain = { BLOCK_END, NULL, 0 };
    os_lock(&theap->lock);
    *room = slab->group != GROUPS ? room_for(slab->used) : 0;
    if (*room != 0)
        chain = slab_take_all(theap, slab);
    open_slab_tend(theap, slab->size_class);
    theap->open_bytes += chain.count * size_class_bytes(slab->size_class);
    theap_unlock(theap);
    return chain;
}

bool open_slab_with(struct theap *theap, struct bin *bin, struct block *block)
{
    uint32_t room;
    if (bin_bytes(bin) > BLOCK_MOST || theap->own == NULL || own_bin_of(theap->own, block) != bin)
        return false;
    struct open_slab *open = take_record(theap);
    if (open == NULL)
        return false;
    open->slab = slab_of(block);
    struct chain chain = take_all(theap, open->slab, &room);
    if (room == 0) {
        put_record(theap, open);
        return false;
    }
    open->bin = (struct bin){ .free = chain.first,
                              .room = (uint64_t)room << ROOM_SHIFT,
                              .magic = bin->magic,
                              .limit = (uint16_t)(chain.count + room),
                              .units = bin->units };
    open->noted = chain.count;
    add_record(theap, open);
    bin_push(&open->bin, block);
    atomic_signal_fence(memory_order_seq_cst);
    lead(theap->own, open->slab, bin, &open->bin);
    return true;
}

bool open_slab_go_on(struct theap *theap, struct open_slab *open, struct block *block)
{
    uint32_t count = bin_count(&open->bin), used = open->slab->used - count;
    if (used <= 1 || open->slab->group == GROUPS)
        return false;
    theap->open_bytes += (count - open->noted) * size_class_bytes(open->slab->size_class);
    open->noted = count;
    if (theap_has_too_much_free(theap))
        return false;
    uint32_t room = room_for(used);
    open->bin.limit = (uint16_t)(count + room);
    open->bin.room = (uint64_t)room << ROOM_SHIFT;
    bin_push(&open->bin, block);
    return true;
}

/* The record remains the caller's. */
static struct chain close(struct theap *theap, struct open_slab *open)
{
    lead(theap->own, open->slab, &open->bin, &theap->bins[open->slab->size_class]);
    atomic_signal_fence(memory_order_seq_cst);
    remove_record(theap, open);
    struct chain chain = { open->bin.free, NULL, bin_count(&open->bin) };
    open->bin.free = BLOCK_END;
    return chain;
}

static void forget_noted(struct theap *theap, const struct open_slab *open)
{
    theap->open_bytes -= open->noted * size_class_bytes(open->slab->size_class);
}

struct chain open_slab_take(struct theap *theap, unsigned size_class)
{
    struct open_slab *open = theap->open[size_class];
    if (open == NULL)
        return (struct chain){ NULL, NULL, 0 };
    struct chain chain = close(theap, open);
    os_lock(&theap->lock);
    forget_noted(theap, open);
    allowance_reused(&theap->allowance, theap_free_bytes(theap));
    os_unlock(&theap->lock);
    put_record(theap, open);
    return chain;
}

uint32_t open_slab_close(struct theap *theap, struct open_slab *open)
{
    struct chain chain = close(theap, open);
    forget_noted(theap, open);
    slab_give_all(theap, open->slab, chain);
    put_record(theap, open);
    return chain.count;
}

void open_slab_tend(struct theap *theap, unsigned size_class)
{
    struct open_slab *newest = theap->open[size_class];
    struct open_slab *oldest = newest != NULL ? newest->prev : NULL;
    if (oldest == NULL)
        return;
    if (oldest->slab->used == bin_count(&oldest->bin)) {
        open_slab_close(theap, oldest);
    } else if (oldest != newest) {
        unlink(oldest);
        link_before(oldest, newest->next);
    }
}

void open_slab_close_all(struct theap *theap)
{
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        while (theap->open[size_class] != NULL)
            open_slab_close(theap, theap->open[size_class]);
}

void open_slab_forget_all(struct theap *theap)
{
    for (unsigned size_class = 0; size_class < SIZE_CLASSES; size_class++)
        theap->open[size_class] = NULL;
    theap->open_bytes = 0;
}

/* ---- questions ---------------------------------------------------------------------------- */

/* The owner may be filling the record meanwhile. */
READS_RACY static const struct span *slab_taken(const struct open_slab *open)
{
    return open->slab;
}

/* The record that a granule of the slab leads to; NULL: none. */
static struct open_slab *record_at(const struct theap *theap, const struct span *slab, uint32_t i)
{
    struct bin *bin = own_bin(theap->own, own_place(granule_start(span_index(slab) + i)));
    struct open_slab *open = open_slab_of(theap, bin);
    bool is_record = bin != &theap->own->none && open != NULL && slab_taken(open) == slab;
    return is_record ? open : NULL;
}

READS_RACY static uint32_t count_of(const struct open_slab *open)
{
    uint32_t room = (uint32_t)(open->bin.room >> ROOM_SHIFT), limit = open->bin.limit;
    return room < limit ? limit - room : 0;
}

uint32_t open_slab_count(const struct theap *theap, const struct span *slab)
{
    const struct open_slab *open = NULL;
    for (uint32_t i = 0; i < slab->granules && open == NULL && theap->own != NULL; i++)
        open = record_at(theap, slab, i);
    return open != NULL ? count_of(open) : 0;
}
