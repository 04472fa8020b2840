/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ENDS = 256,         /* bytes at each end of a block that are filled */
    CLEAR_WHOLE = 16384 /* zeroed blocks up to here are looked at throughout */
};

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

void differs(const char *file, int line, const char *what)
{
    char text[300];
    int length = snprintf(text, sizeof text, "%s:%d: the model says otherwise: %s (errno %d)\n",
                          file, line, what, errno);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(1);
    abort();
}

/* ---- decisions ---------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint32_t next_byte(struct source *source)
{
    return source->at < source->end ? *source->at++ : 0;
}

uint32_t draw(struct source *source, uint32_t limit)
{
    if (source->at == NULL)
        return (uint32_t)((next_random(&source->random) >> 32) * limit >> 32);
    uint32_t value = next_byte(source);
    for (uint32_t most = 0xff; most < limit - 1; most = most << 8 | 0xff)
        value = value << 8 | next_byte(source);
    return value % limit;
}

bool one_in(struct player *player, uint32_t n)
{
    return draw(&player->source, n) == n - 1;
}

size_t draw_size(struct player *player)
{
    struct source *source = &player->source;
    if (one_in(player, player->large)) {
        size_t size = 64 * KIB + draw(source, one_in(player, 8) ? 6 * MIB : 500 * KIB);
        return one_in(player, 4) ? size & ~(64 * KIB - 1) : size;
    }
    uint32_t which = draw(source, 16);
    if (which < 9)
        return draw(source, 256);
    if (which < 13)
        return draw(source, 4096);
    if (which < 14)
        return draw(source, 66000);
    return ((size_t)1 << draw(source, 17)) + draw(source, 3) - 1;
}

/* ---- contents ----------------------------------------------------------------------------- */

/* The eight bytes at a multiple of 8; so a word that was moved elsewhere is seen. */
static uint64_t word_at(const struct slot *slot, size_t at)
{
    return (slot->seed + at) * 0xd1342543de82ef95U;
}

static unsigned char byte_at(const struct slot *slot, size_t at)
{
    return (unsigned char)(word_at(slot, at & ~(size_t)7) >> (at & 7) * 8);
}

static void fill_part(const struct slot *slot, size_t from, size_t to)
{
    for (; from + 8 <= to; from += 8) {
        uint64_t word = word_at(slot, from);
        memcpy(slot->block + from, &word, 8);
    }
    for (; from < to; from++)
        slot->block[from] = byte_at(slot, from);
}

static bool part_holds(const struct slot *slot, size_t from, size_t to)
{
    for (; from + 8 <= to; from += 8) {
        uint64_t word = word_at(slot, from);
        if (memcmp(slot->block + from, &word, 8) != 0)
            return false;
    }
    for (; from < to; from++)
        if (slot->block[from] != byte_at(slot, from))
            return false;
    return true;
}

/* Where the tail of a block that is filled at its ends begins. */
static size_t tail_of(size_t size)
{
    return (size - ENDS) & ~(size_t)7;
}

void fill(struct player *player, struct slot *slot)
{
    slot->seed = next_random(&player->source.random);
    slot->is_dense = slot->size <= 2 * ENDS + 8 || slot->seed % 32 == 0;
    if (slot->is_dense) {
        fill_part(slot, 0, slot->size);
        return;
    }
    fill_part(slot, 0, ENDS);
    fill_part(slot, tail_of(slot->size), slot->size);
}

void check_contents(const struct slot *slot, size_t kept)
{
    if (slot->is_dense) {
        AGREE(part_holds(slot, 0, kept));
        return;
    }
    size_t tail = tail_of(slot->size);
    AGREE(part_holds(slot, 0, kept < ENDS ? kept : ENDS));
    AGREE(kept <= tail || part_holds(slot, tail, kept));
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
    return size == 0 || (*bytes == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

void check_zero(struct player *player, const unsigned char *block, size_t size)
{
    if (size <= CLEAR_WHOLE || one_in(player, 16)) {
        AGREE(is_zero(block, size));
        return;
    }
    AGREE(is_zero(block, CLEAR_WHOLE / 2));
    AGREE(is_zero(block + size - CLEAR_WHOLE / 2, CLEAR_WHOLE / 2));
    for (size_t at = CLEAR_WHOLE; at < size; at += 4096)
        AGREE(block[at] == 0);
}
