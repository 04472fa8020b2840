/* SPDX-License-Identifier: MIT */
/* A heap of up to 16 GiB that grows and shrinks in pieces, of which little is touched: the process
 * may not collect mappings (the system has a limit of 65,530), nor address space without end. */
#include <pthread.h>
#include <string.h>

#include "crew.h"
#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/rng.h"
#include "support/scale.h"
#include "support/suite.h"

enum { PIECES = 4096, MAPPINGS_MOST = 64 };

struct piece {
    unsigned char *bytes;
    size_t size;
};

static struct piece pieces[PIECES];

/* Marks one page, and the ends so that a lost piece is noticed. */
static void piece_make(struct piece *piece, size_t size, uint64_t *random)
{
    piece->bytes = malloc(size);
    REQUIRE(piece->bytes != NULL);
    piece->size = size;
    piece->bytes[rng_below(random, size)] = 1;
    piece->bytes[0] = 0xaa;
    piece->bytes[size - 1] = 0xbb;
}

static void piece_drop(struct piece *piece)
{
    REQUIRE(piece->bytes[0] == 0xaa && piece->bytes[piece->size - 1] == 0xbb);
    free(piece->bytes);
    piece->bytes = NULL;
}

static void pieces_shuffle(size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)rng_below(random, i);
        struct piece piece = pieces[i - 1];
        pieces[i - 1] = pieces[j];
        pieces[j] = piece;
    }
}

/* Fills up to total bytes with pieces of 1 to 64 MiB; how many. */
static size_t pieces_fill(size_t count, size_t held, size_t total, uint64_t *random)
{
    while (count < PIECES) {
        size_t size = MIB + (size_t)rng_below(random, 63 * MIB);
        if (held + size > total)
            break;
        piece_make(&pieces[count++], size, random);
        held += size;
    }
    return count;
}

static size_t mappings_most;

static void mappings_note(void)
{
    size_t now = memory_mappings();

    mappings_most = now > mappings_most ? now : mappings_most;
}

static size_t bytes_of(size_t count)
{
    size_t held = 0;

    for (size_t i = 0; i < count; i++)
        held += pieces[i].size;
    return held;
}

static void pieces_grow_and_shrink(void **state)
{
    uint64_t random = 1;
    size_t count = 0;

    (void)state;
    free(opaque(malloc(100)));
    size_t before = memory_mappings();
    mappings_most = before;
    for (int round = 0; round < 8; round++) {
        count = pieces_fill(count, bytes_of(count), 16 * GIB, &random);
        mappings_note();
        pieces_shuffle(count, &random);
        for (size_t left = count * (size_t)(round % 3) / 4; count > left;) {
            piece_drop(&pieces[--count]);
            if (count % 16 == 0)
                mappings_note();
        }
        mappings_note();
        if (round % 2 == 0)
            malloc_trim(0);
        mappings_note();
    }
    while (count > 0)
        piece_drop(&pieces[--count]);
    mappings_note();
    print_message("             16 GiB: %zu mappings before, at most %zu\n", before, mappings_most);
    assert_in_range(mappings_most, 0, before + MAPPINGS_MOST);
}

/* One out, one in: no moment at which all is empty. */
static void pieces_are_replaced(void **state)
{
    uint64_t random = 2;

    (void)state;
    size_t before = memory_mappings();
    mappings_most = before;
    size_t count = pieces_fill(0, 0, 8 * GIB, &random);
    for (size_t i = scaled(5000); i > 0; i--) {
        struct piece *piece = &pieces[rng_below(&random, count)];
        piece_drop(piece);
        piece_make(piece, MIB + (size_t)rng_below(&random, 63 * MIB), &random);
        if (i % 100 == 0)
            mappings_note();
    }
    while (count > 0)
        piece_drop(&pieces[--count]);
    assert_in_range(mappings_most, 0, before + MAPPINGS_MOST);
}

/* Blocks that grow move about, and what they leave is given back. */
static void pieces_are_resized(void **state)
{
    enum { GROWING = 100 };
    uint64_t random = 3;

    (void)state;
    size_t before = memory_mappings();
    mappings_most = before;
    memset(pieces, 0, sizeof(pieces));
    for (size_t i = scaled(3000); i > 0; i--) {
        struct piece *piece = &pieces[rng_below(&random, GROWING)];
        size_t size = MIB / 2 + (size_t)rng_below(&random, (size_t)1 << (20 + i % 7));
        piece->bytes = realloc(piece->bytes, size);
        REQUIRE(piece->bytes != NULL);
        REQUIRE(piece->size == 0 || piece->bytes[0] == 0xaa);
        piece->bytes[0] = 0xaa;
        piece->bytes[size - 1] = 0xbb;
        piece->size = size;
        if (i % 50 == 0)
            mappings_note();
    }
    for (size_t i = 0; i < GROWING; i++) {
        free(pieces[i].bytes);
        pieces[i].bytes = NULL;
    }
    assert_in_range(mappings_most, 0, before + MAPPINGS_MOST);
}

/* Many small blocks with holes, given back page by page: advice, and no change of access. */
static void *thread_makes_holes(void *number)
{
    enum { BLOCKS = 40000 };
    void **blocks = malloc(BLOCKS * sizeof(*blocks));
    uint64_t random = (uint64_t)number;

    REQUIRE(blocks != NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = rng_size(&random, 13);
        REQUIRE((blocks[i] = malloc(size)) != NULL);
        memset(blocks[i], 1, size);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 30 != 0)
            free(blocks[i]);
    malloc_trim(0);
    mappings_note();
    for (size_t i = 0; i < BLOCKS; i += 30)
        free(blocks[i]);
    free(blocks);
    return NULL;
}

static void holes_make_no_mappings(void **state)
{
    (void)state;
    size_t before = memory_mappings();
    mappings_most = before;
    for (int i = 0; i < 10; i++)
        crew_run(1, thread_makes_holes);
    assert_in_range(mappings_most, 0, before + MAPPINGS_MOST);
}

/* One block from 1 KiB to 1 GiB: in steps as containers take, contents watched at each page. */
static void one_block_grows_to_a_gibibyte(void **state)
{
    size_t size = KIB;
    unsigned char *block = malloc(size);

    (void)state;
    assert_non_null(block);
    pattern_fill(block, size, size);
    size_t before = memory_mappings();
    while (size < GIB) {
        size_t next = size + size / 2;
        block = realloc(block, next);
        assert_non_null(block);
        assert_true(pattern_holds(block, size, size, size));
        pattern_fill(block, next, next);
        size = next;
    }
    assert_in_range(memory_mappings(), 0, before + MAPPINGS_MOST);
    for (; size > MIB; size /= 4) {
        block = realloc(block, size / 4);
        assert_non_null(block);
        assert_true(pattern_holds(block, size / 4, size, size));
        pattern_fill(block, size / 4, size / 4);
    }
    free(block);
}

/* Twelve blocks in turn, a MiB at a time, each with its own contents. */
static void many_blocks_grow_in_turn(void **state)
{
    enum { GROWING = 12 };
    static unsigned char *blocks[GROWING];

    (void)state;
    for (size_t step = 1; step <= scaled(64); step++) {
        for (size_t i = 0; i < GROWING; i++) {
            blocks[i] = realloc(blocks[i], step * MIB);
            assert_non_null(blocks[i]);
            for (size_t j = 0; j + 1 < step; j++)
                assert_true(pattern_holds(blocks[i] + j * MIB, 64, 64, i * 1000 + j));
            pattern_fill(blocks[i] + (step - 1) * MIB, 64, i * 1000 + step - 1);
        }
    }
    for (size_t i = 0; i < GROWING; i++)
        free(blocks[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_grow_and_shrink),
        cmocka_unit_test(pieces_are_replaced),
        cmocka_unit_test(pieces_are_resized),
        cmocka_unit_test(holes_make_no_mappings),
        cmocka_unit_test(one_block_grows_to_a_gibibyte),
        cmocka_unit_test(many_blocks_grow_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
