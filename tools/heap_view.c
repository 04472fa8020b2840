/* SPDX-License-Identifier: MIT */
/* heap_view.c: walks the page map, the theaps and the list of private heaps of another process. The
 * walks take no lock, so a list may lead astray meanwhile: each has a bound. */
#include "heap_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARTS = 64, /* of a leaf: bits of its word `covered` */
    HEAPS_MAX = 1 << 15,
    THREADS_MAX = 1 << 17,
    POOLS_KNOWN = 64, /* pools whose heap is remembered */
};

struct handle {
    uint64_t handle;
    uint32_t number;
};

/* What a walk needs besides the view. */
struct walk {
    const struct remote *remote;
    struct view *view;
    size_t spans_room, heaps_room, threads_room;
    struct {
        uint64_t pool;
        uint32_t heap;
    } pools[POOLS_KNOWN];
    struct handle *handles;
    bool failed; /* no memory */
};

/* ---- reading ------------------------------------------------------------------------------- */

/* From a structure that was read as a whole. */
static uint64_t get(const unsigned char *structure, uint32_t offset, size_t size)
{
    uint64_t value = 0; /* little end first, as all machines of ours have it */
    memcpy(&value, structure + offset, size);
    return value;
}

/* For one more. False when there is no memory. */
static bool make_room(struct walk *walk, void *array, size_t *room, size_t count, size_t size)
{
    void *longer;
    if (count < *room)
        return true;
    memcpy(&longer, array, sizeof longer);
    longer = realloc(longer, (*room * 2 + 16) * size);
    if (longer == NULL) {
        walk->failed = true;
        return false;
    }
    memcpy(array, &longer, sizeof longer);
    *room = *room * 2 + 16;
    return true;
}

/* ---- private heaps ------------------------------------------------------------------------- */

static void read_bounded(const struct walk *walk, uint64_t bounded, struct view_heap *heap)
{
    const struct slots_layout *layout = &walk->remote->slots;
    const char *at = (const char *)(uintptr_t)bounded;
    uint64_t frontier = remote_word(walk->remote, at + layout->frontier);
    uint64_t given_back = remote_word(walk->remote, at + layout->given_back);
    heap->bounded = true;
    heap->committed = (frontier - (given_back < frontier ? given_back : 0)) * layout->unit;
    heap->committed_peak = remote_word(walk->remote, at + layout->reached) * layout->unit;
}

static uint64_t heap_word(const struct walk *walk, uint64_t heap, uint32_t offset)
{
    return remote_word(walk->remote, (const char *)(uintptr_t)heap + offset);
}

static void read_name(const struct walk *walk, uint64_t address, struct view_heap *heap)
{
    size_t size = walk->remote->slots.name_size;
    size = size < sizeof heap->name ? size : sizeof heap->name;
    if (!remote_read(walk->remote, address + walk->remote->slots.name, heap->name, size))
        heap->name[0] = '\0';
    heap->name[sizeof heap->name - 1] = '\0';
    for (char *c = heap->name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}

static void read_heap(const struct walk *walk, uint64_t address, struct view_heap *heap)
{
    const struct slots_layout *layout = &walk->remote->slots;
    *heap = (struct view_heap){
        .handle = address,
        .number = (uint32_t)heap_word(walk, address, layout->slot),
        .serialized = heap_word(walk, address, layout->serialized) & 0xFF,
        .committed = heap_word(walk, address, layout->charged),
        .committed_peak = heap_word(walk, address, layout->charged_peak),
        .limit = heap_word(walk, address, layout->limit),
        .maximum = heap_word(walk, address, layout->maximum),
        .refused = heap_word(walk, address, layout->refused),
        .start = heap_word(walk, address, layout->start),
        .end = heap_word(walk, address, layout->end),
    };
    uint64_t bounded = heap_word(walk, address, layout->bounded);
    if (bounded != 0)
        read_bounded(walk, bounded, heap);
    read_name(walk, address, heap);
}

/* A list that leads back is left at once: an address is kept, then the one 1, 2, 4 ... places on. */
static void walk_heaps(struct walk *walk)
{
    struct view *view = walk->view;
    uint64_t at = remote_word(walk->remote, walk->remote->slots.first), kept = 0;
    while (
        at != 0 && at != kept && view->heaps_count < HEAPS_MAX &&
        make_room(walk, &view->heaps, &walk->heaps_room, view->heaps_count, sizeof *view->heaps)) {
        if ((view->heaps_count & (view->heaps_count - 1)) == 0)
            kept = at;
        read_heap(walk, at, &view->heaps[view->heaps_count++]);
        at = heap_word(walk, at, walk->remote->slots.next);
    }
}

static int by_handle(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* For heap_number: handles, each with its number behind it. */
static void sort_handles(struct walk *walk)
{
    size_t count = walk->view->heaps_count;
    walk->handles = calloc(count + 1, sizeof *walk->handles);
    walk->failed |= walk->handles == NULL;
    for (size_t i = 0; walk->handles && i < count; i++)
        walk->handles[i] = (struct handle){ walk->view->heaps[i].handle, (uint32_t)i + 1 };
    if (walk->handles)
        qsort(walk->handles, count, sizeof *walk->handles, by_handle);
}

/* Its place in the view's heaps, from 1; 0 when it is not there. */
static uint32_t heap_number(const struct walk *walk, uint64_t handle)
{
    const struct handle *found = NULL;
    if (handle != 0 && walk->handles)
        found = bsearch(&handle, walk->handles, walk->view->heaps_count, sizeof *found, by_handle);
    return found ? found->number : 0;
}

static uint32_t heap_of_pool(struct walk *walk, uint64_t pool)
{
    size_t place = pool / 64 % POOLS_KNOWN;
    if (walk->pools[place].pool != pool) {
        walk->pools[place].pool = pool;
        walk->pools[place].heap =
            heap_number(walk, heap_word(walk, pool, walk->remote->slots.pool_heap));
    }
    return walk->pools[place].heap;
}

/* ---- spans --------------------------------------------------------------------------------- */

static void count_slab(struct view *view, const struct view_span *span)
{
    struct view_class *class = &view->classes[span->size_class];
    /* a hole stands for a 64th, of a slab of less than 64 pages for a page */
    uint64_t unit = span->bytes / 64 < 4096 ? 4096 : span->bytes / 64;
    uint64_t holes = (uint64_t)__builtin_popcountll(span->holes) * unit;
    uint64_t bytes = span->bytes - (holes < span->bytes ? holes : span->bytes);
    class->slabs++;
    class->bytes += bytes;
    class->capacity += bytes / class->block;
    class->used += span->used;
    view->stats.slabs++;
    view->stats.live_blocks += span->used;
    view->stats.live_bytes += span->used * class->block;
}

/* A medium span's map, all of it; false: it is none any more. */
static bool read_map(const struct walk *walk, uint64_t number, unsigned char *map)
{
    const struct medium_layout *layout = &walk->remote->medium;
    const uint64_t *leaf = (const uint64_t *)(uintptr_t)remote_word(
        walk->remote, (const uint64_t *)layout->leaves + (number >> layout->leaf_shift));
    uint64_t address =
        leaf ? remote_word(walk->remote, leaf + number % (1u << layout->leaf_shift)) : 0;
    return address != 0 && remote_read(walk->remote, address, map, layout->map_size);
}

static void count_cell(struct walk *walk, const unsigned char *map, uint32_t cell,
                       struct view_span *span)
{
    const struct medium_layout *layout = &walk->remote->medium;
    struct barrow_stats *stats = &walk->view->stats;
    unsigned char state = map[layout->states + cell];
    uint64_t length = get(map, layout->records + cell * layout->record_size + layout->length, 2);
    uint64_t bytes = length << layout->cell_shift;
    if ((state != layout->live && state != layout->passed) || bytes > span->bytes)
        return;
    stats->live_blocks++;
    stats->live_bytes += bytes;
    span->used += state == layout->live;
    stats->cached_blocks += state == layout->passed;
    stats->cached_bytes += state == layout->passed ? bytes : 0;
}

/* `number` is its map's. */
static void count_medium(struct walk *walk, uint64_t number, struct view_span *span)
{
    const struct medium_layout *layout = &walk->remote->medium;
    unsigned char *map = malloc(layout->map_size);
    walk->failed |= map == NULL;
    walk->view->medium_spans++;
    if (map && read_map(walk, number, map) && get(map, layout->start, 8) == span->address) {
        uint64_t cells = get(map, layout->cells, 4);
        for (uint32_t cell = 0; cell < cells && cell < layout->most; cell++)
            count_cell(walk, map, cell, span);
    }
    free(map);
}

static void count_span(struct view *view, const struct view_span *span)
{
    if (span->kind == LAYOUT_SLAB)
        count_slab(view, span);
    if (span->kind == LAYOUT_LARGE && span->heap == 0) {
        view->stats.large_blocks++;
        view->stats.large_bytes += span->bytes;
    }
}

static bool is_shown(const struct view_span *span)
{
    return span->kind != LAYOUT_NONE && span->kind != LAYOUT_LOST && span->kind != LAYOUT_GUARD;
}

/* The word beside the tag of a granule. */
static uint64_t map_number(const struct walk *walk, uint64_t address)
{
    const struct region_layout *layout = &walk->remote->region;
    const struct medium_layout *medium = &walk->remote->medium;
    uint64_t root = address >> layout->root_shift, granules = address >> layout->granule_shift;
    uint64_t distance = remote_word(walk->remote, (const uint64_t *)layout->root + root);
    uint64_t in_leaf = granules % (1ULL << (layout->root_shift - layout->granule_shift));
    uint64_t tags = (uintptr_t)layout->no_tags + distance;
    return remote_half_word(walk->remote, (const char *)(uintptr_t)tags +
                                              in_leaf * medium->tag_size + medium->number);
}

static void take_span(struct walk *walk, uint64_t address, const unsigned char *descriptor)
{
    const struct region_layout *layout = &walk->remote->region;
    struct view *view = walk->view;
    struct view_span span = {
        .address = address,
        .bytes = get(descriptor, layout->granules, 4) << layout->granule_shift,
        .kind = layout->kinds[get(descriptor, layout->kind, 1) % sizeof layout->kinds],
    };
    if (!is_shown(&span) || span.bytes == 0)
        return;
    if (span.kind == LAYOUT_SLAB) {
        span.size_class = (uint8_t)get(descriptor, layout->size_class, 1);
        span.used = (uint32_t)get(descriptor, layout->used, 4);
        span.holes = get(descriptor, layout->holes, 8);
        if (span.size_class >= view->classes_count || span.used > span.bytes / 16)
            return;
    } else if (span.kind == LAYOUT_POOL) {
        span.heap = heap_of_pool(walk, get(descriptor, layout->pool, 8));
    } else if (span.kind == LAYOUT_LARGE) {
        span.heap = heap_number(walk, get(descriptor, layout->heap, 8));
    } else if (span.kind == LAYOUT_MEDIUM) {
        count_medium(walk, map_number(walk, address), &span);
    }
    count_span(view, &span);
    if (make_room(walk, &view->spans, &walk->spans_room, view->spans_count, sizeof span))
        view->spans[view->spans_count++] = span;
}

/* One 64th of a leaf. */
static void walk_part(struct walk *walk, uint64_t descriptors, uint64_t address, size_t granules)
{
    const struct region_layout *layout = &walk->remote->region;
    unsigned char *part = malloc(granules * layout->span_size);
    if (part == NULL)
        walk->failed = true;
    else if (remote_read(walk->remote, descriptors, part, granules * layout->span_size))
        for (size_t i = 0; i < granules; i++)
            take_span(walk, address + (i << layout->granule_shift), part + i * layout->span_size);
    free(part);
}

static void walk_leaf(struct walk *walk, uint64_t number, uint64_t distance)
{
    const struct region_layout *layout = &walk->remote->region;
    uint64_t tags = (uintptr_t)layout->no_tags + distance, covered = 0;
    uint64_t granules = 1ULL << (layout->root_shift - layout->granule_shift) >> 6;
    remote_read(walk->remote, tags + layout->covered_behind, &covered, sizeof covered);
    for (uint64_t part = 0; part < PARTS; part++)
        if (covered >> part & 1)
            walk_part(walk, tags - layout->spans_before + part * granules * layout->span_size,
                      (number << layout->root_shift) + (part * granules << layout->granule_shift),
                      granules);
}

/* Entries of the root are read only where the process has mappings: it is a megabyte of zeros, which
 * reading would give page tables. */
static void walk_roots(struct walk *walk, uint64_t first, uint64_t end)
{
    for (; first < end && first < walk->remote->region.roots; first++) {
        uint64_t distance =
            remote_word(walk->remote, (const uint64_t *)walk->remote->region.root + first);
        if (distance != 0)
            walk_leaf(walk, first, distance);
    }
}

static void walk_page_map(struct walk *walk)
{
    char path[64], *line = NULL;
    size_t capacity = 0;
    uint64_t done = 0, start, end;
    unsigned shift = walk->remote->region.root_shift;
    snprintf(path, sizeof path, "/proc/%jd/maps", (intmax_t)walk->remote->pid);
    FILE *maps = fopen(path, "re");
    while (maps && getline(&line, &capacity, maps) > 0)
        if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2) {
            uint64_t first = start >> shift, behind = ((end - 1) >> shift) + 1;
            walk_roots(walk, first > done ? first : done, behind);
            done = behind > done ? behind : done;
        }
    free(line);
    if (maps)
        fclose(maps);
}

/* ---- threads ------------------------------------------------------------------------------- */

static void add_cached(struct view_class *class, struct view_thread *thread, uint64_t blocks)
{
    class->cached += blocks;
    thread->cached_blocks += blocks;
    thread->cached_bytes += blocks * class->block;
}

static uint64_t count_list(const struct threads_layout *layout, const unsigned char *bin)
{
    uint64_t room = get(bin, layout->room, 8) >> layout->room_shift;
    uint64_t limit = get(bin, layout->limit, 2);
    return room <= limit ? limit - room : 0;
}

static void count_bin(struct walk *walk, const unsigned char *bin, uint32_t number,
                      struct view_thread *thread)
{
    const struct threads_layout *layout = &walk->remote->threads;
    uint64_t blocks = count_list(layout, bin);
    if (get(bin, layout->spare, 8) != 0)
        blocks += get(bin, layout->spare_count, 2);
    add_cached(&walk->view->classes[number], thread, blocks);
}

/* The open slabs of a class, which are a ring that changes meanwhile. */
static void count_open(struct walk *walk, uint64_t first, uint32_t number,
                       struct view_thread *thread)
{
    enum { MOST = 1 << 20 };
    const struct threads_layout *layout = &walk->remote->threads;
    unsigned char bin[64];
    uint64_t at = first;
    for (int i = 0; at != 0 && i < MOST && (i == 0 || at != first); i++) {
        if (layout->bin_size > sizeof bin || !remote_read(walk->remote, at, bin, layout->bin_size))
            return;
        add_cached(&walk->view->classes[number], thread, count_list(layout, bin));
        at = remote_word(walk->remote, (const char *)(uintptr_t)at + layout->open_next);
    }
}

static void read_theap(struct walk *walk, const unsigned char *theap, struct view_thread *thread)
{
    const struct threads_layout *layout = &walk->remote->threads;
    struct barrow_stats *stats = &walk->view->stats;
    thread->idle = get(theap, layout->idle, 1) != 0;
    thread->allocations = get(theap, layout->allocations, 8);
    thread->frees = get(theap, layout->frees, 8);
    for (uint32_t i = 0; i < walk->view->classes_count; i++)
        count_bin(walk, theap + layout->bins + i * layout->bin_size, i, thread);
    for (uint32_t i = 0; i < walk->view->classes_count; i++)
        count_open(walk, get(theap, layout->open + 8 * i, 8), i, thread);
    stats->allocations += thread->allocations;
    stats->allocated_bytes += get(theap, layout->allocated_bytes, 8);
    stats->frees += thread->frees;
    stats->cached_blocks += thread->cached_blocks;
    stats->cached_bytes += thread->cached_bytes;
}

static uint64_t theap_address(const struct walk *walk, uint32_t number)
{
    const struct threads_layout *layout = &walk->remote->threads;
    const uint64_t *leaf = (const uint64_t *)(uintptr_t)remote_word(
        walk->remote, (const uint64_t *)layout->leaves + (number >> layout->leaf_shift));
    return leaf ? remote_word(walk->remote, leaf + number % (1u << layout->leaf_shift)) : 0;
}

static void walk_threads(struct walk *walk)
{
    struct view *view = walk->view;
    uint32_t count = remote_half_word(walk->remote, walk->remote->threads.count);
    unsigned char *theap = malloc(walk->remote->threads.theap_size);
    walk->failed |= theap == NULL;
    for (uint32_t number = 1; theap && number <= count && number <= THREADS_MAX; number++) {
        uint64_t address = theap_address(walk, number);
        if (address == 0 ||
            !remote_read(walk->remote, address, theap, walk->remote->threads.theap_size) ||
            !make_room(walk, &view->threads, &walk->threads_room, view->threads_count,
                       sizeof *view->threads))
            continue;
        view->threads[view->threads_count] = (struct view_thread){ .number = number };
        read_theap(walk, theap, &view->threads[view->threads_count++]);
    }
    free(theap);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void read_account(const struct remote *remote, struct barrow_stats *stats)
{
    const struct region_layout *layout = &remote->region;
    stats->committed = remote_word(remote, layout->committed) << layout->granule_shift;
    stats->committed_peak = remote_word(remote, layout->committed_peak) << layout->granule_shift;
    stats->commit_limit = remote_word(remote, layout->commit_limit);
    stats->reserved = remote_word(remote, layout->reserved);
    stats->purged = remote_word(remote, layout->purged);
    stats->reservations = remote_word(remote, layout->reservations);
    stats->refused = remote_word(remote, remote->heap.refused);
    stats->theaps = remote_half_word(remote, remote->threads.count);
    stats->threads = stats->theaps - remote_half_word(remote, remote->threads.idle_count);
}

static void subtract(uint64_t *from, uint64_t part)
{
    *from -= part < *from ? part : *from; /* the process goes on between the two */
}

/* Slabs count the blocks in caches as used. */
static void sum_up(struct view *view)
{
    struct barrow_stats *stats = &view->stats;
    subtract(&stats->live_blocks, stats->cached_blocks);
    subtract(&stats->live_bytes, stats->cached_bytes);
    stats->live_blocks += stats->large_blocks;
    stats->live_bytes += stats->large_bytes;
    stats->spans = stats->slabs + stats->large_blocks + view->medium_spans;
    if (stats->committed_peak < stats->committed)
        stats->committed_peak = stats->committed;
}

/* Not ended, and not replaced by another program. */
static bool is_still_there(const struct remote *remote)
{
    struct region_layout now;
    return remote_read(remote, (uintptr_t)remote->heap.region, &now, sizeof now) &&
           memcmp(&now, &remote->region, sizeof now) == 0;
}

bool view_take(struct view *view, const struct remote *remote)
{
    struct walk walk = { .remote = remote, .view = view };
    *view = (struct view){ .pid = remote->pid,
                           .granule_bytes = 1u << remote->region.granule_shift,
                           .classes_count = remote->heap.classes };
    view->stats.size = sizeof view->stats;
    remote_name(remote->pid, view->name, sizeof view->name);
    memcpy(view->library, remote->heap.library, sizeof view->library);
    for (uint32_t i = 0; i < view->classes_count; i++)
        view->classes[i].block = remote->heap.block_bytes[i];
    read_account(remote, &view->stats);
    walk_heaps(&walk);
    sort_handles(&walk);
    walk_page_map(&walk);
    walk_threads(&walk);
    sum_up(view);
    free(walk.handles);
    if (walk.failed || !is_still_there(remote)) {
        view_free(view);
        return false;
    }
    return true;
}

void view_free(struct view *view)
{
    free(view->spans);
    free(view->heaps);
    free(view->threads);
    view->spans = NULL;
    view->heaps = NULL;
    view->threads = NULL;
}
