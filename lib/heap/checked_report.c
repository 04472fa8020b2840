/* SPDX-License-Identifier: MIT */
#include "heap/checked_report.h"

#include "diag/message.h"
#include "heap/bad_pointer.h"
#include "heap/holder.h"
#include "heap/slab.h"
#include "os/process.h"
#include "region/region.h"

/* Where what holds the address starts, be it in use or free. */
static char *medium_start(const void *address)
{
    struct place place = map_holder(address);
    return place.map != NULL ? place_address(place) : NULL;
}

struct checked_header *checked_header_of(const void *address)
{
    size_t granule = granule_of(address);
    if (!granule_is_ours(granule))
        return NULL;
    uint32_t tag = tag_of(granule);
    if (tag_is_medium(tag))
        return (struct checked_header *)(void *)medium_start(address);
    if (tag != 0)
        return (struct checked_header *)(void *)slab_block_at(span_at(span_at(granule)->head),
                                                              address);
    struct span *span = region_find(address);
    return span != NULL && span_kind(span) == SPAN_LARGE
               ? (struct checked_header *)(void *)span_start(span)
               : NULL;
}

/* Free, and no longer in quarantine. */
static bool is_free(const struct checked_header *header)
{
    struct holder holder;
    return holder_find(header, &holder) && !holder_has_in_use(&holder, header);
}

static void describe(const struct checked_header *header, const void *address, const char *call)
{
    enum checked_state state = checked_block_state(header);
    const void *start = state == CHECKED_OTHER ? NULL : checked_block_bytes_of(header);
    if (state == CHECKED_FREED && start == address)
        message("%s(%p): block of %zu bytes is free already (double free)", call, address,
                checked_block_size(header));
    else if (state != CHECKED_OTHER)
        message("%s(%p): pointer is inside a block of %zu bytes that starts at %p%s", call, address,
                checked_block_size(header), start,
                state == CHECKED_FREED ? " and is free already" : "");
    else if (is_free(header))
        message("%s(%p): memory is free already (double free or wild pointer), not a block", call,
                address);
    else
        message("%s(%p): what stands before the block was written over (underrun, or the overrun "
                "of a block before it)",
                call, address);
}

void checked_report_pointer(const struct checked_header *header, const void *address,
                            const char *call)
{
    if (header == NULL)
        bad_pointer(call, address);
    describe(header, address, call);
    os_abort();
}

void checked_report_damage(const struct checked_header *header, struct damage damage,
                           const char *call)
{
    const unsigned char *block = checked_block_bytes_of(header);
    size_t size = checked_block_size(header);
    if (damage.kind == DAMAGE_FRONT)
        message("%s: block of %zu bytes at %p was written to before its start, at byte -%zu: "
                "0x%02x (underrun)",
                call, size, (const void *)block, (size_t)(block - damage.at), *damage.at);
    else if (damage.kind == DAMAGE_BEHIND)
        message("%s: block of %zu bytes at %p was written to behind its end, at byte %zu: 0x%02x "
                "(overrun)",
                call, size, (const void *)block, (size_t)(damage.at - block), *damage.at);
    else
        message("%s: block of %zu bytes at %p was written to after it was freed, at byte %zu: "
                "0x%02x (use after free)",
                call, size, (const void *)block, (size_t)(damage.at - block), *damage.at);
    os_abort();
}

void checked_report_records(const char *wrong, const char *call)
{
    message("%s: the heap's own records were written over: does not hold: %s", call, wrong);
    os_abort();
}

void checked_report_header(const struct checked_header *header, const char *call)
{
    message(
        "%s: what stands before the block at %p was written over (underrun, or the overrun of a "
        "block before it)",
        call, (const void *)((const unsigned char *)header + CHECKED_HEADER));
    os_abort();
}
