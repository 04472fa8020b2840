/* SPDX-License-Identifier: MIT */
#include "heap/checked.h"

#include "diag/message.h"
#include "heap/checked_report.h"
#include "heap/heap.h"
#include "heap/holder.h"
#include "heap/quarantine.h"
#include "heap/random.h"
#include "heap/sampled.h"
#include "heap/slab.h"
#include "heap/theap.h"
#include "heap/threads.h"
#include "region/region.h"

struct checked_settings checked_settings;

void checked_start(const struct checks_option *option)
{
    checked_settings.option = *option;
    checked_block_start();
    if (option->quarantine != 0 && !quarantine_start((size_t)option->quarantine, option->random))
        message("BARROW_CHECKS: no memory for a quarantine");
    theap_settings.shuffle = option->random;
    threads_slow_calls();
    checked_settings.on = true;
}

void checked_start_sampling(void)
{
    if (checked_settings.on && checked_settings.option.sample != 0)
        sampled_start((uint32_t)checked_settings.option.sample);
}

/* ---- blocks ------------------------------------------------------------------------------- */

/* The block in use that starts there; ends the process if there is none. */
static struct checked_header *find(const void *block, const char *call)
{
    struct checked_header *header = checked_header_of(block);
    if (header == NULL || checked_block_state(header) != CHECKED_LIVE ||
        checked_block_bytes_of(header) != block)
        checked_report_pointer(header, block, call);
    return header;
}

static void look(const struct checked_header *header, bool freed, const char *call)
{
    struct damage damage =
        checked_block_look(header, plain_bytes(header), freed && checked_settings.option.fill);
    if (damage.kind != DAMAGE_NONE)
        checked_report_damage(header, damage, call);
}

/* A block that leaves the quarantine, or never was in it, goes back to the heap. */
static void release(struct checked_header *header, const char *call)
{
    if (checked_block_state(header) != CHECKED_FREED)
        checked_report_header(header, call);
    look(header, true, call);
    heap_plain_free(header);
}

static bool release_all(const char *call)
{
    struct checked_header *header;
    bool any = false;
    while ((header = quarantine_take(true)) != NULL) {
        release(header, call);
        any = true;
    }
    return any;
}

/* ---- allocate ----------------------------------------------------------------------------- */

static void *plain(size_t align, size_t bytes, bool zero)
{
    void *block = heap_plain_alloc(align, bytes, zero);
    if (block == NULL && release_all("malloc"))
        block = heap_plain_alloc(align, bytes, zero);
    return block;
}

void *checked_alloc(size_t align, size_t size, bool zero)
{
    size_t bytes = checked_block_bytes(align, size);
    void *sampled = sampled_alloc(align, size);
    if (sampled != NULL)
        return memset(sampled, zero ? 0 : FRESH_BYTE, size);
    if (bytes == 0)
        return NULL;
    struct checked_header *header = plain(align, bytes, zero);
    if (header == NULL)
        return NULL;
    void *block = checked_block_make(header, align, size, plain_bytes(header));
    if (!zero && checked_settings.option.fill)
        checked_block_fill(header, FRESH_BYTE);
    return block;
}

/* ---- free --------------------------------------------------------------------------------- */

void checked_free(void *block, const char *call)
{
    if (block == NULL)
        return;
    if (sampled_owns(block)) {
        sampled_free(block, call);
        return;
    }
    struct checked_header *header = find(block, call);
    look(header, false, call);
    /* in this order, for a look at the whole heap meanwhile */
    if (checked_settings.option.fill)
        checked_block_fill(header, FREED_BYTE);
    if (!checked_block_retire(header))
        checked_report_pointer(header, block, call);
    if (!quarantine_put(header, plain_bytes(header)))
        release(header, call);
    while ((header = quarantine_take(false)) != NULL)
        release(header, call);
}

/* ---- the rest ----------------------------------------------------------------------------- */

size_t checked_usable_size(const void *block, const char *call)
{
    return sampled_owns(block) ? sampled_size(block, call) : checked_block_size(find(block, call));
}

bool checked_is_block(const void *address)
{
    if (sampled_owns(address))
        return sampled_is_block(address);
    const struct checked_header *header = checked_header_of(address);
    return header != NULL && checked_block_state(header) == CHECKED_LIVE &&
           checked_block_bytes_of(header) == address;
}

/* As far as the plain block goes. */
bool checked_resize_in_place(void *block, size_t size, const char *call)
{
    if (sampled_owns(block))
        return sampled_shrink(block, size, call);
    if (size == checked_usable_size(block, call))
        return true;
    struct checked_header *header = find(block, call);
    size_t align = (size_t)((char *)block - (char *)header), room = plain_bytes(header);
    size_t bytes = checked_block_bytes(align, size);
    if (bytes == 0 || bytes > room)
        return false;
    look(header, false, call);
    checked_block_make(header, align, size, room);
    return true;
}

/* Pages of a long block are moved or left where they are, not copied. NULL: not to be done so. */
static void *resize_large(struct checked_header *header, size_t size, const char *call)
{
    size_t bytes = checked_block_bytes(CHECKED_HEADER, size);
    if (tag_at(header) != 0 || bytes <= MEDIUM_MAX ||
        checked_block_bytes_of(header) != (unsigned char *)header + CHECKED_HEADER)
        return NULL;
    look(header, false, call);
    header = heap_plain_resize(header, bytes);
    if (header == NULL)
        return NULL;
    return checked_block_make(header, CHECKED_HEADER, size, plain_bytes(header));
}

/* Everything but a long block moves, so that a pointer to where it was is found out. */
void *checked_realloc(void *block, size_t size, const char *call)
{
    size_t old = checked_usable_size(block, call);
    if (!sampled_owns(block)) {
        void *resized = resize_large(checked_header_of(block), size, call);
        if (resized != NULL)
            return resized;
    }
    void *fresh = checked_alloc(1, size, false);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, old < size ? old : size);
    checked_free(block, call);
    return fresh;
}

void checked_after_fork(void)
{
    random_after_fork();
    quarantine_after_fork();
    sampled_after_fork();
}
