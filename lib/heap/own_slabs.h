/* SPDX-License-Identifier: MIT */
/* own_slabs.h: the table by which free() knows its thread's own blocks: for each granule of the
 * theap's slabs, where the last block is that starts there, and the bin of its class. One comparison
 * then tells that the slab is the thread's own, that a block starts at the address and is in
 * circulation, and that the bin has room. No thread register, no owner's number and no map of all
 * addresses is looked at.
 *
 * The table is direct-mapped by the granule's number, so slabs that are a multiple of 4 GiB apart
 * share a place (of 1 GiB on Windows). One of them has it; frees to the others take the slow path, which finds the
 * slab by the page map, and now and then gives the place to the slab that it finds. An address that shares a
 * place with a slab without lying in it fails the comparison, see size_class.h.
 *
 * A place is claimed by the theap's thread alone, so that what the thread
 * reads fits together. It is changed or vacated under the theap's lock, by any thread; a place that is
 * vacated has no start any more, in case that the thread is about to have it lead elsewhere. */
#ifndef BARROW_HEAP_OWN_SLABS_H
#define BARROW_HEAP_OWN_SLABS_H

#include "heap/bin.h"

/* Where the system charges for what is committed and never touched, the table is smaller. */
#if defined(_WIN32)
enum { OWN_SHIFT = 14 };
#else
enum { OWN_SHIFT = 16 };
#endif
enum { OWN_PLACES = 1 << OWN_SHIFT };

struct own_slabs {
    struct bin none; /* of vacant places: without room */
    uint32_t claims; /* since the table's pages last went back; under the theap's lock */
    const char *last[OWN_PLACES]; /* as in struct granule_tag */
    size_t bin[OWN_PLACES];       /* how far the bin is from this record; 0: vacant */
};

/* Of a thread without a theap, and of all when calls are slow. Zero, and never written. */
extern struct own_slabs own_slabs_none HIDDEN;

/* An address's place. Its bits above the granule's number are shifted out, not masked out, which
 * saves an instruction. */
ALWAYS_INLINE uint32_t own_place(const void *address)
{
    enum { ABOVE = 32 - GRANULE_SHIFT - OWN_SHIFT };
    uint32_t shifted = (uint32_t)(uintptr_t)address << ABOVE;
    if (ABOVE != 0)
        HIDE_VALUE(shifted);
    return shifted >> (ABOVE + GRANULE_SHIFT);
}

ALWAYS_INLINE uintptr_t own_distance(const struct own_slabs *own, uint32_t place,
                                     const void *address)
{
    return (uintptr_t)READ_RACY(own->last[place]) - (uintptr_t)address;
}

ALWAYS_INLINE struct bin *own_bin(struct own_slabs *own, uint32_t place)
{
    return (struct bin *)(void *)((char *)own + READ_RACY(own->bin[place]));
}

/* The same, if the address starts a block of the thread's in circulation, whether the bin has room for
 * it or not; else NULL. */
ALWAYS_INLINE struct bin *own_bin_of(struct own_slabs *own, const void *address)
{
    uint32_t place = own_place(address);
    struct bin *bin = own_bin(own, place);
    bool starts = is_start(own_distance(own, place, address), bin->magic);
    return likely(starts && bin != &own->none) ? bin : NULL;
}

/* Notes the granule's last block, if the place is the granule's. `last` is before the slab's first block
 * where no start is to be told; that vacates the place. Whoever holds the theap's lock. */
void own_slabs_note(struct own_slabs *own, size_t granule, const char *last, bool vacate);

/* The same, and takes a vacant place for the granule. The theap's thread, with the lock. */
void own_slabs_claim(struct own_slabs *own, size_t granule, const char *last,
                     const struct bin *bin);

/* The same, and takes the place from the granule that has it, whose slab must not be open. The theap's thread, with
 * the lock. */
void own_slabs_take(struct own_slabs *own, size_t granule, const char *last, const struct bin *bin);

/* Has the place lead to another bin than before, if it is the granule's. The theap's thread. */
void own_slabs_lead(struct own_slabs *own, size_t granule, const struct bin *from,
                    const struct bin *to);

/* Gives the pages back. No place is claimed, and no thread uses the table meanwhile. */
void own_slabs_purge(struct own_slabs *own);

#endif
