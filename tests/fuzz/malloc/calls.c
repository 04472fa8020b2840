/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../model/shadow.h"
#include "face.h"
#include "support/opaque.h"

enum { ALIGN_MOST = 22 /* as a power of two */ };

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

/* ---- blocks that come and go -------------------------------------------------------------- */

/* The block is the slot's: as large and aligned as asked for, and nobody else's. False when memory
 * was refused, as it may be under a limit. */
static bool take(struct player *player, struct slot *slot, void *block, size_t size, size_t align)
{
    if (block == NULL) {
        AGREE(player->may_refuse && errno == ENOMEM);
        player->refusals++;
        return false;
    }
    AGREE((uintptr_t)block % align == 0);
    slot->block = block;
    slot->size = size;
    slot->align = align;
    slot->usable = malloc_usable_size(block);
    player->calls++;
    AGREE(slot->usable >= size && slot->usable - size <= size / 2 + 128 * KIB);
    AGREE(shadow_claim(block, slot->usable));
    return true;
}

static void let_go(struct slot *slot)
{
    AGREE(shadow_release(slot->block, slot->usable));
}

static bool alloc_aligned(struct player *player, struct slot *slot, size_t size)
{
    size_t align = (size_t)1 << draw(&player->source, one_in(player, 64) ? ALIGN_MOST + 1 : 13);
    void *block = NULL;
    switch (draw(&player->source, 3)) {
    case 0:
        align = align < sizeof(void *) ? sizeof(void *) : align;
        errno = posix_memalign(&block, align, size);
        break;
    case 1:
        block = aligned_alloc(align, size);
        break;
    default:
        block = memalign(align, size);
    }
    return take(player, slot, block, size, align < 16 ? 16 : align);
}

static bool alloc_zero(struct player *player, struct slot *slot, size_t size)
{
    size_t count = 1 + draw(&player->source, 8);
    size /= count;
    unsigned char *block = calloc(count, size);
    if (!take(player, slot, block, count * size, 16))
        return false;
    check_zero(player, block, count * size);
    return true;
}

static bool alloc_page(struct player *player, struct slot *slot, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (one_in(player, 2))
        return take(player, slot, valloc(size), size, page);
    size = (size + page - 1) & ~(page - 1);
    return take(player, slot, pvalloc(size), size, page);
}

static bool alloc_somehow(struct player *player, struct slot *slot, size_t size)
{
    uint32_t which = draw(&player->source, 64);
    if (which < 44)
        return take(player, slot, malloc(size), size, 16);
    if (which < 52)
        return alloc_zero(player, slot, size);
    if (which < 58)
        return alloc_aligned(player, slot, size);
    if (which < 61)
        return take(player, slot, realloc(opaque(NULL), size), size, 16);
    if (which < 63)
        return take(player, slot, reallocarray(opaque(NULL), 1, size), size, 16);
    return alloc_page(player, slot, size);
}

static void alloc(struct player *player, struct slot *slot)
{
    player->calls++;
    if (alloc_somehow(player, slot, draw_size(player)))
        fill(player, slot);
}

static void drop(struct player *player, struct slot *slot)
{
    uint32_t which = draw(&player->source, 16);
    unsigned char *block = slot->block;
    int number = (int)which + 1;
    check_contents(slot, slot->size);
    let_go(slot);
    slot->block = NULL;
    player->calls++;
    errno = number;
    if (which < 12 || slot->align > 16)
        free(block);
    else if (which < 14)
        free_sized(block, slot->size);
    else
        free_aligned_sized(block, slot->align, slot->size);
    AGREE(errno == number);
}

static void resize(struct player *player, struct slot *slot)
{
    struct slot before = {
        .block = slot->block, .size = slot->size, .seed = slot->seed, .is_dense = slot->is_dense
    };
    size_t size = one_in(player, 3) ? slot->size + slot->size / 2 : draw_size(player);
    if (size > 16 * MIB || size == 0)
        size = 1;
    check_contents(slot, slot->size);
    let_go(slot);
    player->calls++;
    unsigned char *block =
        one_in(player, 4) ? reallocarray(slot->block, size, 1) : realloc(slot->block, size);
    if (!take(player, slot, block, size, 16)) {
        check_contents(slot, slot->size);
        AGREE(shadow_claim(slot->block, slot->usable));
        return;
    }
    before.block = block;
    check_contents(&before, size < before.size ? size : before.size);
    fill(player, slot);
}

static void look(struct player *player, struct slot *slot)
{
    check_contents(slot, slot->size);
    AGREE(malloc_usable_size(slot->block) == slot->usable);
    player->calls++;
}

/* ---- calls that have no block ------------------------------------------------------------- */

/* What nobody can have: the answer is NULL and ENOMEM, and the slot's block stays as it is. */
static void ask_the_impossible(struct player *player, struct slot *slot)
{
    size_t huge = opaque_size(SIZE_MAX / 2 + 1 + draw(&player->source, 1000));
    errno = 0;
    switch (draw(&player->source, 5)) {
    case 0:
        AGREE(malloc(huge) == NULL);
        break;
    case 1:
        AGREE(calloc(huge, 2) == NULL);
        break;
    case 2:
        AGREE(realloc(slot->block, huge) == NULL);
        break;
    case 3:
        AGREE(reallocarray(slot->block, huge, 4) == NULL);
        break;
    default:
        AGREE(aligned_alloc(64, huge & ~(size_t)63) == NULL);
    }
    AGREE(errno == ENOMEM);
    void *none = &errno;
    AGREE(posix_memalign(&none, 24, 100) == EINVAL && none == &errno);
    player->calls += 2;
}

static void ask_for_figures(struct player *player)
{
    struct barrow_stats stats = { .size = sizeof stats };
    AGREE(barrow_stats_get(&stats) == 0);
    AGREE(stats.committed_peak >= stats.committed || stats.committed_peak == 0);
    free(opaque(NULL));
    AGREE(malloc_usable_size(opaque(NULL)) == 0);
    player->calls += 3;
}

static void seldom(struct player *player, struct slot *slot)
{
    switch (draw(&player->source, 8)) {
    case 0:
        malloc_trim(0);
        player->calls++;
        break;
    case 1:
    case 2:
        ask_for_figures(player);
        break;
    default:
        ask_the_impossible(player, slot);
    }
}

/* ---- steps -------------------------------------------------------------------------------- */

static void step_at(struct player *player, struct slot *slot)
{
    uint32_t which = draw(&player->source, 256);
    if (which == 255 && one_in(player, 16))
        seldom(player, slot);
    else if (slot->block == NULL)
        alloc(player, slot);
    else if (which < 176)
        drop(player, slot);
    else if (which < 232)
        resize(player, slot);
    else
        look(player, slot);
}

void player_step(struct player *player)
{
    struct slot *slot = &player->slots[draw(&player->source, player->slot_count)];
    if (atomic_flag_test_and_set_explicit(&slot->taken, memory_order_acquire))
        return; /* somebody is at it */
    step_at(player, slot);
    atomic_flag_clear_explicit(&slot->taken, memory_order_release);
}

void player_clear(struct player *player)
{
    for (uint32_t i = 0; i < player->slot_count; i++)
        if (player->slots[i].block != NULL)
            drop(player, &player->slots[i]);
}
