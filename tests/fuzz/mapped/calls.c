/* SPDX-License-Identifier: MIT */
/* calls.c: random calls from threads of several processes for one mapped heap, against a model that
 * they share: which block is where, how long it is, and what is in it. Any of them frees what any of
 * them has allocated.
 *
 *     fuzz_mapped_calls CALLS PROCESSES [SEED] */
#include <windows.h>

#include <barrow/mapped_heap.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/rng.h"
#include "support/scale.h"

enum { SLOTS = 2000, THREADS = 2, MAXIMUM = 16 << 20 };

/* A slot is one thread's while it is taken. */
struct slot {
    atomic_bool taken;
    uint64_t offset; /* 0: no block */
    size_t size;
    unsigned char seed;
};

struct model {
    struct slot slots[SLOTS];
    atomic_size_t refused;
};

static struct model *model;
static char path[64], copy[80];
static size_t calls;
static HANDLE heap;

static void fill(struct slot *slot, unsigned char *block, size_t size, uint64_t *random)
{
    slot->offset = barrow_heap_offset(heap, block);
    slot->size = size;
    slot->seed = (unsigned char)rng_next(random);
    memset(block, slot->seed, size);
}

static unsigned char *check(const struct slot *slot, size_t size)
{
    unsigned char *block = barrow_heap_pointer(heap, slot->offset);
    REQUIRE(block != NULL && HeapSize(heap, 0, block) == slot->size);
    for (size_t i = 0; i < size; i++)
        REQUIRE(block[i] == slot->seed);
    return block;
}

static void allocate(struct slot *slot, uint64_t *random)
{
    size_t size = rng_size(random, rng_below(random, 50) == 0 ? 18 : 10);
    bool zero = rng_below(random, 4) == 0;
    unsigned char *block = rng_below(random, 30) == 0
                               ? barrow_heap_aligned_alloc(heap, 64 << rng_below(random, 6), size)
                               : HeapAlloc(heap, zero ? HEAP_ZERO_MEMORY : 0, size);
    if (block == NULL)
        atomic_fetch_add(&model->refused, 1);
    else
        fill(slot, block, size, random);
}

static void release(struct slot *slot)
{
    unsigned char *block = check(slot, slot->size);
    REQUIRE(HeapFree(heap, 0, block));
    slot->offset = 0;
}

static void resize(struct slot *slot, uint64_t *random)
{
    size_t size = rng_size(random, 13), common = size < slot->size ? size : slot->size;
    unsigned char *block = check(slot, slot->size);
    block =
        HeapReAlloc(heap, rng_below(random, 5) == 0 ? HEAP_REALLOC_IN_PLACE_ONLY : 0, block, size);
    if (block == NULL)
        return;
    for (size_t i = 0; i < common; i++)
        REQUIRE(block[i] == slot->seed);
    fill(slot, block, size, random);
}

static void look_at_heap(uint64_t *random)
{
    switch (rng_below(random, 4)) {
    case 0:
        REQUIRE(HeapValidate(heap, 0, NULL));
        break;
    case 1:
        HeapCompact(heap, 0);
        break;
    case 2:
        REQUIRE(HeapLock(heap));
        REQUIRE(HeapValidate(heap, 0, NULL));
        REQUIRE(HeapUnlock(heap));
        break;
    default:
        REQUIRE(barrow_heap_set_root(heap, "none", NULL) || GetLastError() == ERROR_FILE_NOT_FOUND);
    }
}

static void one_call(uint64_t *random)
{
    struct slot *slot = &model->slots[rng_below(random, SLOTS)];
    if (rng_below(random, 5000) == 0)
        look_at_heap(random);
    if (atomic_exchange_explicit(&slot->taken, true, memory_order_acquire))
        return;
    if (slot->offset == 0)
        allocate(slot, random);
    else if (rng_below(random, 4) == 0)
        resize(slot, random);
    else
        release(slot);
    atomic_store_explicit(&slot->taken, false, memory_order_release);
}

static void *run(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (size_t i = 0; i < calls; i++)
        one_call(&random);
    return NULL;
}

static _Noreturn void be_process(uintptr_t seed)
{
    pthread_t threads[THREADS];
    alarm(600);
    heap = barrow_heap_open_file(path, 0, MAXIMUM, 0);
    REQUIRE(heap != NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, run, (void *)(seed + i)) == 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    if (seed % 2 == 0)
        REQUIRE(barrow_heap_snapshot(heap, copy));
    REQUIRE(barrow_heap_close(heap));
    _exit(0);
}

static size_t check_all(void)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    size_t expected = 0, busy = 0;
    REQUIRE(HeapValidate(heap, 0, NULL));
    for (size_t i = 0; i < SLOTS; i++)
        if (model->slots[i].offset != 0) {
            check(&model->slots[i], model->slots[i].size);
            expected++;
        }
    while (HeapWalk(heap, &entry))
        busy += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0;
    REQUIRE(busy == expected);
    return busy;
}

int main(int argc, char **argv)
{
    calls = scaled(argc > 1 ? strtoull(argv[1], NULL, 10) : 100000);
    uintptr_t processes = argc > 2 ? strtoull(argv[2], NULL, 10) : 2;
    uintptr_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    snprintf(path, sizeof path, "%s/barrow-calls-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", getpid());
    snprintf(copy, sizeof copy, "%s-copy", path);
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(model != MAP_FAILED);
    for (uintptr_t i = 0; i < processes; i++) {
        pid_t pid = fork();
        REQUIRE(pid >= 0);
        if (pid == 0)
            be_process(seed * 1000 + i * THREADS);
    }
    for (uintptr_t i = 0; i < processes; i++) {
        int status;
        REQUIRE(wait(&status) > 0 && status == 0);
    }
    heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST);
    REQUIRE(heap != NULL);
    printf("%zu blocks, %zu calls refused\n", check_all(), atomic_load(&model->refused));
    REQUIRE(barrow_heap_close(heap));
    REQUIRE(remove(path) == 0 && remove(copy) == 0);
    return 0;
}
