/* SPDX-License-Identifier: MIT */
/* model.h: what the model knows of each block, and where decisions come from. A difference between
 * the model and what is found ends the process by SIGABRT, with a line on standard error. */
#ifndef TESTS_FUZZ_MODEL_H
#define TESTS_FUZZ_MODEL_H

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
    bool is_dense; /* all of it was filled, not only its ends */
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

/* With a chance of 1 to n. */
bool one_in(struct player *player, uint32_t n);

/* Sizes as programs ask for, and often right beside a power of two. */
size_t draw_size(struct player *player);

/* Writes contents that no other block has: all of a small block, both ends of a large one. */
void fill(struct player *player, struct slot *slot);

/* The first `kept` bytes of what was filled are there. */
void check_contents(const struct slot *slot, size_t kept);

/* The block was asked for with zeros; large ones are looked at in parts. */
void check_zero(struct player *player, const unsigned char *block, size_t size);

/* Ends the process. */
void differs(const char *file, int line, const char *what) __attribute__((noreturn, cold));

#define AGREE(condition) ((condition) ? (void)0 : differs(__FILE__, __LINE__, #condition))

#endif
