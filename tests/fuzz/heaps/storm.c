/* SPDX-License-Identifier: MIT */
/* storm.c: random calls of the heaps' face by several threads at once, against the model.
 *
 * Each thread has heaps of its own, with and without serialization, growable and bounded, which it
 * makes and destroys with all their blocks; of these the sum of sizes and the list of blocks are
 * known exactly. Beside them are heaps that all threads share, growable, bounded and the process
 * heap, whose blocks change hands; now and then one is held as a whole, walked and validated.
 * Arguments: number of calls, number of threads, seed. Prints how many calls there were. */
#include "../model/model.h"
#include "../model/shadow.h"

#include <barrow/heapapi.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 32, OWN_HEAPS = 4, OWN_SLOTS = 160, SHARED_HEAPS = 3, SHARED_SLOTS = 1024 };

#define KIB   ((size_t)1 << 10)
#define MIB   ((size_t)1 << 20)
#define UNSET 0xDEADu

/* A heap and the blocks that are in it. */
struct heap {
    HANDLE handle;
    DWORD options;
    size_t maximum; /* 0: growable */
    struct slot *slots;
    uint32_t slot_count;
    bool shared;
};

struct own {
    struct heap heap;
    struct slot slots[OWN_SLOTS];
};

struct seat {
    pthread_t thread;
    struct player player;
    uint64_t wanted;
    struct own heaps[OWN_HEAPS];
    unsigned long made; /* heaps, so far */
};

static struct seat seats[THREADS_MOST];
static bool alone; /* there is one thread */
static struct heap shared[SHARED_HEAPS];
static struct slot shared_slots[SHARED_HEAPS][SHARED_SLOTS];

/* ---- one call ------------------------------------------------------------------------------ */

static size_t claimed(size_t size)
{
    return size != 0 ? size : 1;
}

static void own_block(struct slot *slot, void *block, size_t size)
{
    AGREE((uintptr_t)block % 16 == 0);
    slot->block = block;
    slot->size = size;
    AGREE(shadow_claim(block, claimed(size)));
}

/* NULL is an answer of bounded heaps only, and says why. */
static void check_refusal(struct player *player, const struct heap *heap, DWORD flags)
{
    AGREE(heap->maximum != 0 || (flags & HEAP_REALLOC_IN_PLACE_ONLY) != 0);
    AGREE(GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
    SetLastError(UNSET);
    player->refusals++;
}

static DWORD draw_flags(struct player *player)
{
    return (one_in(player, 4) ? HEAP_ZERO_MEMORY : 0) | (one_in(player, 32) ? 0x80000000u : 0);
}

static void alloc(struct player *player, struct heap *heap, struct slot *slot)
{
    DWORD flags = draw_flags(player);
    size_t size = draw_size(player);
    unsigned char *block = HeapAlloc(heap->handle, flags, size);
    player->calls++;
    if (block == NULL) {
        check_refusal(player, heap, flags);
        return;
    }
    own_block(slot, block, size);
    if (flags & HEAP_ZERO_MEMORY)
        check_zero(player, block, size);
    fill(player, slot);
}

static void drop(struct player *player, struct heap *heap, struct slot *slot)
{
    check_contents(slot, slot->size);
    AGREE(shadow_release(slot->block, claimed(slot->size)));
    unsigned char *block = slot->block;
    slot->block = NULL;
    player->calls++;
    AGREE(HeapFree(heap->handle, 0, block));
}

static void resize(struct player *player, struct heap *heap, struct slot *slot)
{
    struct slot before = {
        .block = slot->block, .size = slot->size, .seed = slot->seed, .is_dense = slot->is_dense
    };
    DWORD flags = draw_flags(player) | (one_in(player, 4) ? (DWORD)HEAP_REALLOC_IN_PLACE_ONLY : 0u);
    size_t size = one_in(player, 3) ? slot->size + slot->size / 2 : draw_size(player);
    size = size > 16 * MIB ? 100 : size;
    size_t kept = size < before.size ? size : before.size;
    check_contents(slot, slot->size);
    AGREE(shadow_release(slot->block, claimed(slot->size)));
    unsigned char *block = HeapReAlloc(heap->handle, flags, slot->block, size);
    player->calls++;
    if (block == NULL) {
        check_refusal(player, heap, flags);
        AGREE(size > before.size || (flags & HEAP_REALLOC_IN_PLACE_ONLY) == 0);
        AGREE(shadow_claim(slot->block, claimed(slot->size)));
        check_contents(slot, slot->size);
        return;
    }
    AGREE(block == before.block || (flags & HEAP_REALLOC_IN_PLACE_ONLY) == 0);
    own_block(slot, block, size);
    before.block = block;
    check_contents(&before, kept);
    if ((flags & HEAP_ZERO_MEMORY) && size > kept)
        check_zero(player, block + kept, size - kept);
    fill(player, slot);
}

static void look(struct player *player, struct heap *heap, struct slot *slot)
{
    check_contents(slot, slot->size);
    AGREE(HeapSize(heap->handle, 0, slot->block) == slot->size);
    AGREE(HeapValidate(heap->handle, 0, slot->block));
    player->calls += 2;
}

/* ---- a heap as a whole --------------------------------------------------------------------- */

static size_t sum_of_sizes(const struct heap *heap, size_t *count)
{
    size_t sum = 0;
    *count = 0;
    for (uint32_t i = 0; i < heap->slot_count; i++)
        if (heap->slots[i].block != NULL) {
            sum += heap->slots[i].size;
            ++*count;
        }
    return sum;
}

static bool has_block(const struct heap *heap, const void *block, size_t size)
{
    for (uint32_t i = 0; i < heap->slot_count; i++)
        if (heap->slots[i].block == block)
            return heap->slots[i].size == size;
    return false;
}

/* Busy blocks; of a heap that nobody else uses each must be one of ours. */
static size_t walk(const struct heap *heap)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    size_t busy = 0;
    while (HeapWalk(heap->handle, &entry)) {
        if ((entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) == 0)
            continue;
        busy++;
        AGREE(heap->shared || has_block(heap, entry.lpData, entry.cbData));
    }
    AGREE(GetLastError() == ERROR_NO_MORE_ITEMS);
    SetLastError(UNSET);
    return busy;
}

static void inspect(struct player *player, struct heap *heap)
{
    HEAP_SUMMARY summary = { .cb = sizeof summary };
    size_t count;
    AGREE(HeapLock(heap->handle));
    AGREE(HeapValidate(heap->handle, 0, NULL));
    size_t busy = walk(heap);
    if (!heap->shared) {
        size_t sum = sum_of_sizes(heap, &count);
        AGREE(busy == count);
        AGREE(HeapSummary(heap->handle, 0, &summary) && summary.cbAllocated == sum);
        AGREE(summary.cbCommitted <= summary.cbReserved || heap->maximum == 0);
    }
    AGREE(HeapUnlock(heap->handle));
    player->calls += 4;
}

static void compact(struct player *player, struct heap *heap)
{
    HeapCompact(heap->handle, 0);
    SetLastError(UNSET);
    player->calls++;
}

/* Now and then a heap is given up with all that is in it. */
static void destroy(struct player *player, struct heap *heap)
{
    for (uint32_t i = 0; i < heap->slot_count; i++) {
        struct slot *slot = &heap->slots[i];
        if (slot->block == NULL)
            continue;
        check_contents(slot, slot->size);
        AGREE(shadow_release(slot->block, claimed(slot->size)));
        slot->block = NULL;
    }
    AGREE(HeapDestroy(heap->handle));
    if (alone) { /* else it may be another thread's by now */
        AGREE(!HeapDestroy(heap->handle) && GetLastError() == ERROR_INVALID_HANDLE);
        SetLastError(UNSET);
    }
    heap->handle = NULL;
    player->calls += 2;
}

static void create(struct player *player, struct heap *heap, DWORD options, size_t maximum)
{
    size_t initial = one_in(player, 4) ? draw(&player->source, 1 << 20) : 0;
    heap->options = options;
    heap->maximum = maximum;
    heap->handle = HeapCreate(options, initial, maximum);
    AGREE(heap->handle != NULL && (uintptr_t)heap->handle % (64 * KIB) == 0);
    player->calls++;
}

/* ---- steps --------------------------------------------------------------------------------- */

static void step_at(struct player *player, struct heap *heap, struct slot *slot)
{
    uint32_t which = draw(&player->source, 256);
    if (slot->block == NULL)
        alloc(player, heap, slot);
    else if (which < 150)
        drop(player, heap, slot);
    else if (which < 225)
        resize(player, heap, slot);
    else
        look(player, heap, slot);
}

static void step_shared(struct player *player)
{
    struct heap *heap = &shared[draw(&player->source, SHARED_HEAPS)];
    struct slot *slot = &heap->slots[draw(&player->source, heap->slot_count)];
    if (one_in(player, 4000))
        inspect(player, heap);
    else if (one_in(player, 4000))
        compact(player, heap);
    if (atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
        return;
    step_at(player, heap, slot);
    atomic_flag_clear_explicit(&slot->taken, memory_order_release);
}

static void step_own(struct seat *seat)
{
    struct player *player = &seat->player;
    uint32_t which = draw(&player->source, OWN_HEAPS);
    struct own *own = &seat->heaps[which];
    struct heap *heap = &own->heap;
    if (heap->handle == NULL) {
        *heap = (struct heap){ .slots = own->slots, .slot_count = OWN_SLOTS };
        create(player, heap, which % 2 != 0 ? HEAP_NO_SERIALIZE : 0,
               which < 2 ? 0 : 16 * KIB + draw(&player->source, 1 << draw(&player->source, 23)));
        seat->made++;
    }
    if (one_in(player, 3000))
        destroy(player, heap);
    else if (one_in(player, 600))
        inspect(player, heap);
    else if (one_in(player, 600))
        compact(player, heap);
    else
        step_at(player, heap, &own->slots[draw(&player->source, OWN_SLOTS)]);
}

static void *work(void *argument)
{
    struct seat *seat = argument;
    SetLastError(UNSET);
    while (seat->player.calls < seat->wanted) {
        if (one_in(&seat->player, 2))
            step_own(seat);
        else
            step_shared(&seat->player);
        AGREE(GetLastError() == UNSET);
    }
    for (unsigned i = 0; i < OWN_HEAPS; i++)
        if (seat->heaps[i].heap.handle != NULL)
            destroy(&seat->player, &seat->heaps[i].heap);
    return NULL;
}

static void start_shared(struct player *player)
{
    for (unsigned i = 0; i < SHARED_HEAPS; i++) {
        shared[i].shared = true;
        shared[i].slots = shared_slots[i];
        shared[i].slot_count = SHARED_SLOTS;
    }
    create(player, &shared[0], 0, 0);
    create(player, &shared[1], 0, 4 * MIB);
    shared[2].handle = GetProcessHeap();
}

static void end_shared(struct player *player)
{
    for (unsigned i = 0; i < SHARED_HEAPS; i++) {
        shared[i].shared = shared[i].handle == GetProcessHeap();
        inspect(player, &shared[i]);
        for (unsigned slot = 0; slot < SHARED_SLOTS; slot++)
            if (shared_slots[i][slot].block != NULL)
                drop(player, &shared[i], &shared_slots[i][slot]);
        if (!shared[i].shared)
            destroy(player, &shared[i]);
    }
}

static uint64_t argument(int argc, char **argv, int n, uint64_t otherwise)
{
    return argc > n ? strtoull(argv[n], NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
    uint64_t calls = argument(argc, argv, 1, 1000000), seed = argument(argc, argv, 3, 1), done = 0;
    unsigned threads = (unsigned)argument(argc, argv, 2, 4);
    unsigned long long refused = 0, made = 0;
    AGREE(threads >= 1 && threads <= THREADS_MOST && shadow_start());
    alone = threads == 1;
    start_shared(&seats[0].player);
    for (unsigned i = 0; i < threads; i++) {
        seats[i].player = (struct player){ .source.random = seed * 1000 + i, .large = 700 };
        seats[i].wanted = calls / threads;
        AGREE(pthread_create(&seats[i].thread, NULL, work, &seats[i]) == 0);
    }
    for (unsigned i = 0; i < threads; i++)
        AGREE(pthread_join(seats[i].thread, NULL) == 0);
    end_shared(&seats[0].player);
    for (unsigned i = 0; i < threads; i++) {
        done += seats[i].player.calls;
        refused += seats[i].player.refusals;
        made += seats[i].made;
    }
    printf("%llu calls by %u threads, seed %llu, %llu heaps, %llu refused: the model agrees\n",
           (unsigned long long)done, threads, (unsigned long long)seed, made, refused);
    return 0;
}
