/* SPDX-License-Identifier: MIT */
#include "heap/holder.h"

#include "heap/slab.h"

static bool find_by_tag(const void *address, uint32_t tag, struct holder *holder)
{
    holder->owner = tag >> TAG_SHIFT;
    if (tag_is_medium(tag)) {
        holder->kind = SPAN_MEDIUM;
        holder->place = place_of(address);
        return holder->place.map != NULL;
    }
    holder->kind = SPAN_SLAB;
    holder->span = span_at(span_get(&span_at(granule_of(address))->head));
    return span_kind_elsewhere(holder->span) == SPAN_SLAB;
}

bool holder_find(const void *address, struct holder *holder)
{
    size_t granule = granule_of(address);
    ASSERT(granule_is_ours(granule));
    uint32_t tag = tag_of(granule);
    if (tag != 0)
        return find_by_tag(address, tag, holder);
    *holder = (struct holder){ .kind = SPAN_LARGE, .span = span_at(granule) };
    return span_kind_elsewhere(holder->span) == SPAN_LARGE && holder->span->heap == NULL;
}

bool holder_has_in_use(const struct holder *holder, const void *address)
{
    if (holder->kind == SPAN_MEDIUM)
        return map_has_in_use(holder->place, address);
    return holder->kind == SPAN_SLAB ? slab_has_in_use(holder->span, address)
                                     : address == span_start(holder->span);
}

size_t holder_bytes(const struct holder *holder)
{
    if (holder->kind == SPAN_MEDIUM)
        return place_bytes(holder->place);
    return holder->kind == SPAN_SLAB ? size_class_bytes(holder->span->size_class)
                                     : span_bytes(holder->span);
}

size_t plain_bytes(const void *block)
{
    struct holder holder;
    return holder_find(block, &holder) ? holder_bytes(&holder) : 0;
}
