/* SPDX-License-Identifier: MIT */
/* bytes.c: files of mapped heaps with any bytes changed are opened, repaired and used. Nothing may be
 * read or written outside the mapping, which has memory without access on both sides, and no call may
 * go on for ever. What is changed is aimed at: checksums are made right again and headers masked.
 *
 *     fuzz_mapped_bytes OPENINGS [SEED] */
#include "mapped/mapped.h"

#include "barrow/heapapi.h"
#include "barrow/mapped_heap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/check.h"
#include "support/rng.h"
#include "support/scale.h"

enum { MAXIMUM = 512 << 10, IMAGES = 3, IMAGE_MOST = 1 << 20, GUARD = 16 << 20, BLOCKS = 64 };

struct image {
    size_t size;
    char *bytes;
};

static char path[64], synced[80];
static struct image images[IMAGES];
static char *file; /* the one that is being changed */
static size_t file_size;
static uint64_t seed, blocks[BLOCKS];

static void failed(int signal)
{
    char text[100];
    int length =
        snprintf(text, sizeof text, "signal %d, seed %llu\n", signal, (unsigned long long)seed);
    if (write(2, text, (size_t)length) == length)
        _exit(1);
    _exit(2);
}

/* ---- images --------------------------------------------------------------------------------- */

static void use(HANDLE heap)
{
    for (int i = 0; i < BLOCKS; i++) {
        char name[16];
        void *block = HeapAlloc(heap, 0, (size_t)i * i * 3);
        REQUIRE(block != NULL);
        memset(block, i, (size_t)i * i * 3);
        snprintf(name, sizeof name, "%d", i);
        REQUIRE(i % 4 != 0 || barrow_heap_set_root(heap, name, block));
        blocks[i] = barrow_heap_offset(heap, block);
    }
    for (int i = 0; i < BLOCKS; i += 3)
        REQUIRE(HeapFree(heap, 0, barrow_heap_pointer(heap, blocks[i])));
}

static void load(struct image *image)
{
    int fd = open(path, O_RDONLY);
    REQUIRE(fd >= 0);
    image->bytes = malloc(IMAGE_MOST);
    ssize_t size = read(fd, image->bytes, IMAGE_MOST);
    close(fd);
    REQUIRE(size > 0 && size < IMAGE_MOST);
    image->size = (size_t)size;
}

/* One that is in use, one that was in the middle of a change, and one that is closed. */
static void make_images(void)
{
    remove(path);
    HANDLE heap = barrow_heap_open_file(path, 0, MAXIMUM, 0);
    REQUIRE(heap != NULL);
    use(heap);
    load(&images[0]);
    load(&images[1]);
    struct bounded_journal *journal = (struct bounded_journal *)(images[1].bytes + MAPPED_JOURNAL);
    REQUIRE(journal->count != 0); /* of the last change */
    journal->active = 1;
    REQUIRE(barrow_heap_close(heap));
    load(&images[2]);
}

/* ---- changes -------------------------------------------------------------------------------- */

static uint64_t interesting(uint64_t *random)
{
    static const uint64_t numbers[] = {
        0,     1,          2,         15,         16,
        65,    66,         4096,      8191,       32768,
        40960, UINT32_MAX, INT64_MAX, UINT64_MAX, (uint64_t)1 << 40
    };
    switch (rng_below(random, 4)) {
    case 0:
        return numbers[rng_below(random, sizeof numbers / sizeof numbers[0])];
    case 1:
        return rng_below(random, 50000);
    case 2:
        return rng_below(random, file_size);
    default:
        return rng_next(random);
    }
}

static void change_header(uint64_t *random)
{
    struct bounded *heap = (struct bounded *)(file + MAPPED_HEAD);
    uint64_t last = (file_size - MAPPED_HEAD) / BOUNDED_UNIT;
    uint64_t unit = heap->first + rng_below(random, last - 300);
    if (rng_below(random, 3) != 0)
        unit = (blocks[rng_below(random, BLOCKS)] - MAPPED_HEAD) / BOUNDED_UNIT;
    if (unit >= last)
        return;
    static const uint64_t states[] = { 0, BOUNDED_STATE_FREE, BOUNDED_STATE_QUICK };
    uint64_t fields = states[rng_below(random, 3)] | rng_below(random, 2) |
                      rng_below(random, 64) << BOUNDED_SLACK_SHIFT |
                      (interesting(random) % 70000) << BOUNDED_SIZE_SHIFT;
    bounded_word *header = (bounded_word *)((char *)heap + unit * BOUNDED_UNIT) - 1;
    *header = bounded_stored(fields) ^ bounded_mask(heap, unit);
    if (rng_below(random, 2) == 0)
        header[1 + rng_below(random, 3)] = interesting(random);
}

static void change_word(uint64_t *random)
{
    static const struct {
        uint32_t start, size;
    } areas[] = { { 0, sizeof(struct mapped_identity) },
                  { MAPPED_STATE, sizeof(struct mapped_state) },
                  { MAPPED_JOURNAL, sizeof(struct bounded_journal) },
                  { MAPPED_JOURNAL, 1000 },
                  { MAPPED_ROOTS, 64 * 20 },
                  { MAPPED_CACHES, 3 * MAPPED_CACHE_BYTES },
                  { MAPPED_HOLES, 64 },
                  { MAPPED_HEAD, sizeof(struct bounded) },
                  { MAPPED_HEAD, 6000 },
                  { MAPPED_HEAD, 200000 } };
    size_t i = rng_below(random, sizeof areas / sizeof areas[0]);
    size_t at = areas[i].start + rng_below(random, areas[i].size / 8) * 8;
    uint64_t value = interesting(random);
    if (at + 8 > file_size)
        return;
    if (rng_below(random, 3) == 0)
        file[at + value % 8] = (char)rng_next(random);
    else
        memcpy(file + at, &value, sizeof value);
}

static void seal(void)
{
    struct mapped_identity *identity = (struct mapped_identity *)file;
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t i = 0; i < offsetof(struct mapped_identity, checksum); i++)
        sum = (sum ^ ((unsigned char *)file)[i]) * 0x100000001b3;
    identity->checksum = sum;
}

static void change(uint64_t *random)
{
    const struct image *image = &images[rng_below(random, IMAGES)];
    file_size = image->size;
    memcpy(file, image->bytes, file_size);
    for (uint64_t i = rng_below(random, 12) + 1; i != 0; i--)
        if (rng_below(random, 3) == 0)
            change_header(random);
        else
            change_word(random);
    if (rng_below(random, 4) != 0)
        seal();
    if (rng_below(random, 10) == 0)
        file_size = rng_below(random, file_size + 1);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(fd >= 0 && write(fd, file, file_size) == (ssize_t)file_size);
    close(fd);
}

/* ---- use ------------------------------------------------------------------------------------ */

static void walk(HANDLE heap)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    for (size_t i = 0; HeapWalk(heap, &entry); i++)
        REQUIRE(i < MAXIMUM);
}

static void call(HANDLE heap, uint64_t *random)
{
    void *block = barrow_heap_pointer(heap, blocks[rng_below(random, BLOCKS)]);
    char name[BARROW_ROOT_NAME_SIZE];
    DWORD position = 0;
    switch (rng_below(random, 12)) {
    case 0:
    case 1:
    case 2:
        block = HeapAlloc(heap, HEAP_ZERO_MEMORY, rng_size(random, 12));
        break;
    case 3:
        block = HeapAlloc(heap, 0, rng_size(random, 18));
        break;
    case 4:
    case 5:
    case 6:
        HeapFree(heap, 0, block);
        break;
    case 7:
        HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, rng_size(random, 14));
        break;
    case 8:
        HeapValidate(heap, 0, rng_below(random, 2) == 0 ? NULL : block);
        break;
    case 9:
        HeapCompact(heap, 0);
        break;
    case 10:
        while (barrow_heap_next_root(heap, &position, name, &block))
            HeapSize(heap, 0, block);
        break;
    default:
        barrow_heap_collect(heap, NULL, NULL, NULL);
    }
}

static char *guarded;

/* Memory without access around the place where the heap will be. */
static void *place_for_heap(void)
{
    size_t middle = MAPPED_HEAD + MAXIMUM;
    REQUIRE(mmap(guarded, GUARD * 2 + middle, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == guarded);
    munmap(guarded + GUARD, middle);
    return guarded + GUARD;
}

static bool try_once(uint64_t *random)
{
    static const DWORD flags[] = { 0, 0, BARROW_HEAP_REPAIR, BARROW_HEAP_READ_ONLY };
    change(random);
    HANDLE heap =
        barrow_heap_open_file_at(path, 0, 0, flags[rng_below(random, 4)], place_for_heap());
    if (heap == NULL)
        return false;
    walk(heap);
    for (uint64_t i = rng_below(random, 40); i != 0; i--)
        call(heap, random);
    walk(heap);
    barrow_heap_close(heap);
    return true;
}

int main(int argc, char **argv)
{
    size_t wanted = scaled(argc > 1 ? strtoull(argv[1], NULL, 10) : 1000), opened = 0;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/barrow-bytes-%d", folder, getpid());
    snprintf(synced, sizeof synced, "%s.synced", path);
    file = malloc(IMAGE_MOST);
    guarded = mmap(NULL, 3 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(file != NULL && guarded != MAP_FAILED);
    make_images();
    signal(SIGSEGV, failed);
    signal(SIGBUS, failed);
    signal(SIGALRM, failed);
    for (seed = first; seed < first + wanted; seed++) {
        uint64_t random = seed * 7919;
        alarm(20);
        opened += try_once(&random);
    }
    alarm(0);
    printf("%zu files, %zu of them opened\n", wanted, opened);
    remove(path);
    return opened > wanted / 10 ? 0 : 1;
}
