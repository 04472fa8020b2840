/* SPDX-License-Identifier: MIT */
/* calls.h: one call of malloc's face at a time, drawn at random or from an input, and checked
 * against a model: what the block's size, alignment and contents must be, that it overlaps no
 * other, and what a call that must fail reports. A difference ends the process by SIGABRT, with a
 * line on standard error. */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where decisions come from: the bytes of an input, as long as there are any, or a generator. */
struct source {
    const uint8_t *at, *end; /* at NULL: the generator */
    uint64_t random;
};

/* A number in [0, limit), limit at most 2^32. */
uint32_t draw(struct source *source, uint32_t limit);

/* A place for a block. Whoever sets `taken` works on it. */
struct slot {
    atomic_flag taken;
    unsigned char *block; /* NULL: none */
    size_t size, usable, align;
    uint64_t seed;
    unsigned char *dense; /* the block when all of it was filled, not only its ends */
};

struct player {
    struct source source;
    struct slot *slots;
    uint32_t slot_count;
    unsigned large;  /* one block in so many may be larger than 64 KiB */
    bool may_refuse; /* memory may be short: NULL is an answer */
    uint64_t calls;  /* of the library */
    uint64_t refusals;
};

/* One step of a player: a call or a few, on a slot that nobody else is at. */
void player_step(struct player *player);

/* Checks and frees all that the slots hold. Nobody else is at them. */
void player_clear(struct player *player);

/* Ends the process. */
void differs(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#define AGREE(condition) ((condition) ? (void)0 : differs(__FILE__, __LINE__, #condition))

#endif
