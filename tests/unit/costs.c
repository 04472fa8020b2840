/* SPDX-License-Identifier: MIT */
/* Costs that must not grow with what should not matter: full slabs at the limit, heaps, threads,
 * owners of blocks, and data that looks like a mark. Counted in instructions. */
#include "test.h"

#include "barrow/mapped_heap.h"
#include "heap/heap.h"
#include "heap/threads.h"
#include "private/private_heap.h"
#include "region/region.h"
#include "steps.h"

#include <pthread.h>
#include <unistd.h>

enum {
    CALLS = 64,
    THREADS_MOST = 64,
    HEAPS_MOST = 3000,
    OWNER_BLOCK = 1024,
    BATCH = OUTGOING_BYTES / OWNER_BLOCK, /* blocks */
    OWNER_BLOCKS = BATCH + 1
};

/* The greatest of a row is at most 1.5 times the least. */
struct row {
    size_t least, most;
};

static const struct row ROW_START = { SIZE_MAX, 0 };

static void add_to_row(struct row *row, const char *what, size_t x, size_t instructions)
{
    print_message("%s, %zu: %zu instructions a call\n", what, x, instructions);
    row->least = instructions < row->least ? instructions : row->least;
    row->most = instructions > row->most ? instructions : row->most;
    assert_true(row->most <= row->least + row->least / 2);
}

static void check_row(const char *what, const size_t *row, size_t count, size_t calls,
                      void (*prepare)(void *), void (*use)(void *))
{
    struct row flat = ROW_START;
    for (size_t i = 0; i < count; i++) {
        size_t x = row[i];
        add_to_row(&flat, what, x, count_steps(prepare, use, &x) / calls);
    }
}

/* ---- threads, each of which has blocks, and waits ------------------------------------------- */

static pthread_barrier_t ready;
static void *blocks_of[THREADS_MOST][OWNER_BLOCKS];
static struct private_heap *heaps[HEAPS_MOST];

static void wait_for_ever(void)
{
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
}

static void *own_blocks(void *own)
{
    void **blocks = own;
    for (int i = 0; i < OWNER_BLOCKS; i++)
        blocks[i] = heap_alloc(OWNER_BLOCK);
    wait_for_ever();
    return NULL;
}

static void *use_heaps(void *none)
{
    for (int i = 0; i < 9; i++)
        private_free(heaps[i], private_alloc(heaps[i], 1, 40, 0), 0);
    wait_for_ever();
    return none;
}

static void start_threads(size_t count, void *(*run)(void *))
{
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, (unsigned)count + 1);
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, run, blocks_of[i]) != 0)
            _exit(2);
    pthread_barrier_wait(&ready);
}

/* ---- remote frees --------------------------------------------------------------------------- */

/* Each `step`th of the threads owns blocks that are freed. */
struct owners {
    size_t count, step;
};

static void **blocks_of_owner(const struct owners *owners, size_t i)
{
    return blocks_of[i * owners->step];
}

static void prepare_owners(void *argument)
{
    const struct owners *owners = argument;
    start_threads((owners->count - 1) * owners->step + 1, own_blocks);
    for (size_t i = 0; i < owners->count; i++)
        heap_free(blocks_of_owner(owners, i)[BATCH], "free"); /* each has a batch */
}

/* As many frees for each owner as fill a batch. */
static void free_in_turn(void *argument)
{
    const struct owners *owners = argument;
    for (size_t n = 0; n < BATCH; n++)
        for (size_t i = 0; i < owners->count; i++)
            heap_free(blocks_of_owner(owners, i)[n], "free");
}

static size_t steps_for_owners(size_t count, size_t step)
{
    struct owners owners = { count, step };
    return count_steps(prepare_owners, free_in_turn, &owners) / (count * BATCH);
}

static void frees_for_many_owners(void **state)
{
    const size_t counts[] = { 1, 2, 8, 9, 16, 64 };
    struct row row = ROW_START;
    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++)
        add_to_row(&row, "frees for owners in turn", counts[i], steps_for_owners(counts[i], 1));
    for (size_t step = 8; step <= 32; step *= 2) /* whose numbers agree modulo 8, 16, 32 */
        add_to_row(&row, "frees for two owners so many numbers apart", step,
                   steps_for_owners(2, step));
    add_to_row(&row, "frees for owners 8 numbers apart", 8, steps_for_owners(8, 8));
}

/* ---- waves ---------------------------------------------------------------------------------- */

enum { WAVE_MOST = 10000, WAVE_STRIDE = 7919 };

static size_t wave_size;
static void *wave_blocks[WAVE_MOST];

/* WAVE_MOST pairs in waves of that length, freed in an order that leaps from slab to slab. */
static void make_waves(void *length)
{
    size_t count = *(size_t *)length;
    for (size_t done = 0; done < WAVE_MOST; done += count) {
        for (size_t i = 0; i < count; i++)
            wave_blocks[i] = heap_alloc(wave_size);
        for (size_t i = 0; i < count; i++)
            heap_free(wave_blocks[i * WAVE_STRIDE % count], "free");
    }
}

static void make_many_waves(void *length)
{
    for (int i = 0; i < 3; i++)
        make_waves(length);
}

static void waves_of_any_length(void **state)
{
    const size_t lengths[] = { 1000, 5000, WAVE_MOST };
    (void)state;
    for (wave_size = 64; wave_size < 1024; wave_size += 936)
        check_row("pairs in waves, blocks", lengths, COUNT(lengths), WAVE_MOST, make_many_waves,
                  make_waves);
}

/* ---- slabs that share a place --------------------------------------------------------------- */

enum { CLASH_SIZE = 512, CLASH_BLOCKS = 64, CLASH_ROUNDS = 100, CLASH_BEFORE = 20000 };

static void *clash_blocks[CLASH_BLOCKS], *blocks_before[CLASH_BEFORE];

/* Blocks of one slab. Where `clash` is true its place leads to another slab, which is a multiple of the table's length
 * away; and the class's bin is full. */
static void prepare_clash(void *clash)
{
    size_t count = 0;
    for (size_t i = 0; i < CLASH_BEFORE; i++)
        blocks_before[i] = heap_alloc(CLASH_SIZE);
    size_t granule = granule_of(blocks_before[CLASH_BEFORE / 2]);
    for (size_t i = 0; i < CLASH_BEFORE; i++)
        if (granule_of(blocks_before[i]) == granule && count < CLASH_BLOCKS)
            clash_blocks[count++] = blocks_before[i];
        else if (i % 2 != 0)
            heap_free(blocks_before[i], "free");
    if (count < CLASH_BLOCKS)
        _exit(2);
    if (*(const bool *)clash) {
        struct theap *theap = threads_current();
        size_t other = granule + OWN_PLACES;
        own_slabs_take(theap->own, other, granule_start(other) + 1024, &theap->bins[0]);
    }
}

static void free_clashing(void *clash)
{
    (void)clash;
    for (size_t i = 0; i < CLASH_BLOCKS; i++)
        heap_free(clash_blocks[i], "free");
}

static void use_clashing(void *clash)
{
    (void)clash;
    for (size_t i = 0; i < CLASH_ROUNDS * CLASH_BLOCKS; i++) {
        heap_free(clash_blocks[i % CLASH_BLOCKS], "free");
        clash_blocks[i % CLASH_BLOCKS] = heap_alloc(CLASH_SIZE);
    }
}

/* A slab gets its place after a few frees: those cost more, and the rest do not. */
static void slabs_that_share_a_place(void **state)
{
    (void)state;
    bool no = false, yes = true;
    size_t pairs = CLASH_ROUNDS * CLASH_BLOCKS;
    size_t alone = count_steps(prepare_clash, use_clashing, &no) / pairs;
    size_t shared = count_steps(prepare_clash, use_clashing, &yes) / pairs;
    size_t wave_alone = count_steps(prepare_clash, free_clashing, &no);
    size_t wave_shared = count_steps(prepare_clash, free_clashing, &yes);
    print_message("a pair: %zu instructions, with a place that another slab had %zu; %d frees with "
                  "a full bin: %zu, "
                  "%zu\n",
                  alone, shared, CLASH_BLOCKS, wave_alone, wave_shared);
    assert_true(shared <= alone + alone / 10);
    assert_true(wave_shared <= wave_alone + 8 * 600); /* and not 600 for each */
}

/* ---- marks ---------------------------------------------------------------------------------- */

static void prepare_threads(void *threads)
{
    prepare_owners(&(struct owners){ *(size_t *)threads, 1 });
}

static void free_doubtful(void *threads)
{
    (void)threads;
    for (int i = 0; i < CALLS; i++) {
        struct block *block = heap_alloc(64);
        *block = (struct block){ NULL, (uintptr_t)BLOCK_FREE << BLOCK_FREE_SHIFT };
        heap_free(block, "free");
    }
}

static void doubtful_frees_among_threads(void **state)
{
    const size_t threads[] = { 1, 8, 64 };
    (void)state;
    check_row("doubtful frees, threads", threads, COUNT(threads), CALLS, prepare_threads,
              free_doubtful);
}

/* ---- private heaps --------------------------------------------------------------------------- */

static void *in_heap[CALLS];

static void prepare_bounded(void *count)
{
    for (size_t i = 0; i < *(size_t *)count; i++)
        if ((heaps[i] = private_create(&(struct private_wish){ .maximum = 65536 })) == NULL)
            _exit(2);
    for (size_t i = 0; i < CALLS; i++)
        in_heap[i] = private_alloc(heaps[i * 7919 % *(size_t *)count], 1, 32, 0);
}

static void free_in_bounded(void *count)
{
    (void)count;
    for (size_t i = 0; i < CALLS; i++)
        heap_free(in_heap[i], "free");
}

static void plain_frees_among_heaps(void **state)
{
    const size_t count[] = { 10, 100, 1000, HEAPS_MOST };
    (void)state;
    check_row("free() of bounded heaps' blocks, heaps", count, COUNT(count), CALLS, prepare_bounded,
              free_in_bounded);
}

static void prepare_shared(void *threads)
{
    for (int i = 0; i < 9; i++)
        if ((heaps[i] = private_create(&(struct private_wish){ 0 })) == NULL)
            _exit(2);
    for (int i = 0; i < 9; i++)
        private_free(heaps[i], private_alloc(heaps[i], 1, 40, 0), 0);
    start_threads(*(size_t *)threads, use_heaps);
}

/* Two heaps in turn, of all pairs. */
static void use_in_turn(void *threads)
{
    (void)threads;
    for (int i = 0; i < CALLS; i++) {
        struct private_heap *heap = heaps[i % 2 == 0 ? 0 : 1 + i / 2 % 8];
        private_free(heap, private_alloc(heap, 1, 40, 0), 0);
    }
}

static void heaps_in_turn(void **state)
{
    const size_t threads[] = { 1, 8, 64 };
    (void)state;
    check_row("pairs in heaps in turn, threads", threads, COUNT(threads), CALLS, prepare_shared,
              use_in_turn);
}

/* ---- heaps in files -------------------------------------------------------------------------- */

enum { FILES_MOST = 64 };

static HANDLE in_file[FILES_MOST];

static void open_files(void *count)
{
    for (size_t i = 0; i < *(size_t *)count; i++) {
        char name[] = "/tmp/barrow-costs-XXXXXX";
        int file = mkstemp(name);
        in_file[i] = file >= 0 ? barrow_heap_open_file(name, 0, 1 << 20, 0) : NULL;
        close(file);
        unlink(name);
        if (in_file[i] == NULL || !HeapFree(in_file[i], 0, HeapAlloc(in_file[i], 0, 40)))
            _exit(2);
    }
}

static void use_files_in_turn(void *count)
{
    for (size_t i = 0; i < FILES_MOST; i++) {
        HANDLE heap = in_file[i % *(size_t *)count];
        HeapFree(heap, 0, HeapAlloc(heap, 0, 40));
    }
}

/* Each pair is for another heap than the one before. */
static void mapped_heaps_in_turn(void **state)
{
    const size_t counts[] = { 2, 4, 8, 16, FILES_MOST };
    (void)state;
    check_row("pairs in mapped heaps in turn, heaps", counts, COUNT(counts), FILES_MOST, open_files,
              use_files_in_turn);
}

/* ---- the limit ------------------------------------------------------------------------------- */

static void prepare_limit(void *megabytes)
{
    heap_free(heap_alloc(16), "free"); /* reads the options */
    region_settings.commit_limit = *(size_t *)megabytes << 20;
    while (heap_alloc(1000) != NULL)
        ;
}

static void fail_at_limit(void *megabytes)
{
    (void)megabytes;
    for (int i = 0; i < CALLS; i++)
        if (heap_alloc(1000) != NULL)
            _exit(3);
}

static void failures_at_the_limit(void **state)
{
    const size_t megabytes[] = { 8, 64, 256 };
    (void)state;
    check_row("failing malloc(1000), MiB", megabytes, COUNT(megabytes), CALLS, prepare_limit,
              fail_at_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_for_many_owners),    cmocka_unit_test(doubtful_frees_among_threads),
        cmocka_unit_test(plain_frees_among_heaps),  cmocka_unit_test(heaps_in_turn),
        cmocka_unit_test(failures_at_the_limit),    cmocka_unit_test(waves_of_any_length),
        cmocka_unit_test(slabs_that_share_a_place), cmocka_unit_test(mapped_heaps_in_turn),
    };
    return cmocka_run_group_tests_name("costs", tests, NULL, NULL);
}
