/* SPDX-License-Identifier: MIT */
#include "patterns.h"

#include <stdatomic.h>
#include <stdlib.h>

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/* xorshift64* */
static uint32_t draw(struct work *work)
{
    work->random ^= work->random >> 12;
    work->random ^= work->random << 25;
    work->random ^= work->random >> 27;
    return (uint32_t)((work->random * 0x2545F4914F6CDD1Du) >> 32);
}

/* The compiler may not see that the block is unused, or it would drop malloc and free together. */
static void *kept(void *block)
{
    __asm__ volatile("" : "+r"(block));
    return block;
}

static void pairs_of(size_t pairs, size_t size)
{
    for (size_t i = 0; i < pairs; i++)
        free(kept(malloc(size)));
}

static void waves_of(struct work *work, size_t pairs, size_t wave, size_t size)
{
    for (size_t done = 0; done < pairs; done += wave) {
        for (size_t i = 0; i < wave; i++)
            work->slots[i] = malloc(size);
        for (size_t i = 0; i < wave; i++) {
            free(work->slots[i]);
            work->slots[i] = NULL;
        }
    }
}

/* As many live blocks, replaced at random by others of between the two sizes. */
static void set_of(struct work *work, size_t pairs, size_t live, size_t least, size_t most)
{
    for (size_t i = 0; i < pairs; i++) {
        void **slot = &work->slots[draw(work) % live];
        free(*slot);
        *slot = malloc(least + draw(work) % (most - least + 1));
    }
}

static void pair_small(struct work *work, size_t pairs)
{
    (void)work;
    pairs_of(pairs, 64);
}

static void batch_small(struct work *work, size_t pairs)
{
    waves_of(work, pairs, 1000, 64);
}

static void waves(struct work *work, size_t pairs)
{
    waves_of(work, pairs, 100000, 200);
}

static void scattered(struct work *work, size_t pairs)
{
    enum { BLOCKS = 1 << 17 };
    for (size_t done = 0; done < pairs; done += BLOCKS) {
        for (size_t i = 0; i < BLOCKS; i++)
            work->slots[i] = malloc(64);
        for (size_t i = 0; i < BLOCKS; i++) { /* an odd step visits each once */
            free(work->slots[i * 40503 % BLOCKS]);
            work->slots[i * 40503 % BLOCKS] = NULL;
        }
    }
}

static void set_small(struct work *work, size_t pairs)
{
    set_of(work, pairs, 1000, 16, KIB);
}

static void set_wide(struct work *work, size_t pairs)
{
    set_of(work, pairs, 100000, 16, KIB);
}

static void pair_page(struct work *work, size_t pairs)
{
    waves_of(work, pairs, 100, 4 * KIB);
}

static void set_medium(struct work *work, size_t pairs)
{
    set_of(work, pairs, 1000, KIB, 64 * KIB);
}

static void pair_large(struct work *work, size_t pairs)
{
    (void)work;
    pairs_of(pairs, 256 * KIB);
}

static void set_large(struct work *work, size_t pairs)
{
    set_of(work, pairs, 16, 64 * KIB + 1, 4 * MIB);
}

static void vectors(struct work *work, size_t pairs)
{
    for (size_t done = 0; done < pairs; done += 16) {
        void **vector = &work->slots[draw(work) % 64];
        for (size_t size = 64; size <= 2 * MIB; size *= 2)
            *vector = realloc(*vector, size);
        free(*vector);
        *vector = NULL;
    }
}

/* Blocks go round: each thread frees what the one before it has allocated. */
static void handed_over(struct work *work, size_t pairs, size_t least, size_t most)
{
    for (size_t i = 0; i < pairs; i++) {
        void *block = malloc(least + draw(work) % (most - least + 1));
        size_t to = work->sent++ % MAIL, from = work->taken++ % MAIL;
        free(atomic_exchange_explicit(&work->next->mail[to], block, memory_order_acq_rel));
        free(atomic_exchange_explicit(&work->mail[from], NULL, memory_order_acq_rel));
    }
}

static void remote_small(struct work *work, size_t pairs)
{
    handed_over(work, pairs, 16, 256);
}

static void remote_large(struct work *work, size_t pairs)
{
    handed_over(work, pairs, 64 * KIB + 1, 256 * KIB);
}

const struct pattern patterns[] = {
    { "pair of 64 bytes", pair_small, 200000 },
    { "batches of 1000 x 64 bytes", batch_small, 200000 },
    { "waves of 100,000 x 200 bytes", waves, 400000 },
    { "131,072 x 64 bytes, scattered frees", scattered, 1 << 19 },
    { "set of 1000, 16 bytes to 1 KiB", set_small, 400000 },
    { "set of 100,000, 16 bytes to 1 KiB", set_wide, 400000 },
    { "batches of 100 x 4 KiB", pair_page, 200000 },
    { "set of 1000, 1 to 64 KiB", set_medium, 100000 },
    { "pair of 256 KiB", pair_large, 20000 },
    { "set of 16, 64 KiB to 4 MiB", set_large, 20000 },
    { "vectors that grow to 2 MiB", vectors, 8000 },
    { "handed over, 16 to 256 bytes", remote_small, 400000 },
    { "handed over, 64 to 256 KiB", remote_large, 20000 },
};

const size_t patterns_count = sizeof patterns / sizeof patterns[0];

void finish(struct work *work)
{
    for (size_t i = 0; i < SLOTS; i++) {
        free(work->slots[i]);
        work->slots[i] = NULL;
    }
    for (size_t i = 0; i < MAIL; i++)
        free(atomic_exchange_explicit(&work->mail[i], NULL, memory_order_acq_rel));
}
