/* SPDX-License-Identifier: MIT */
/* Writers, a reader and a killer: processes that share a mapped heap are killed at random moments;
 * the others go on, and after each round the heap must be sound, with every block that a call had
 * returned whole, and every block that was freed free. */
#include <windows.h>

#include <barrow/mapped_heap.h>

#include <signal.h>
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
#include "support/suite.h"

enum { WRITERS = 3, SLOTS = 300, KILLS = 600, MAXIMUM = 64 << 20 };

enum intent { NOTHING, ALLOC, FREE, REALLOC };

struct slot {
    uint64_t offset; /* 0: none */
    size_t size;
    unsigned seed;
};

/* What a writer has, and what it is about; in memory that outlives it. */
struct writer {
    struct slot slots[SLOTS];
    _Atomic int intent;
    size_t subject;
    size_t new_size;
    _Atomic uint64_t calls;
};

struct shared {
    struct writer writers[WRITERS];
    atomic_bool stop;
    _Atomic uint64_t walked;
};

static struct shared *shared;
static char path[64];
static size_t lost_most; /* blocks of calls that had not come back */

/* ---- writers -------------------------------------------------------------------------------- */

static void fill(HANDLE heap, const struct slot *slot)
{
    memset(barrow_heap_pointer(heap, slot->offset), (int)slot->seed, slot->size);
}

static bool is_whole(HANDLE heap, const struct slot *slot, size_t size)
{
    const unsigned char *bytes = barrow_heap_pointer(heap, slot->offset);
    if (bytes == NULL || HeapSize(heap, 0, bytes) != slot->size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)slot->seed)
            return false;
    return true;
}

static void begin(struct writer *writer, enum intent intent, size_t subject, size_t size)
{
    writer->subject = subject;
    writer->new_size = size;
    atomic_store(&writer->intent, intent);
}

static void end(struct writer *writer)
{
    atomic_store(&writer->intent, NOTHING);
    atomic_fetch_add(&writer->calls, 1);
}

/* The contents come before the place is known to others: who is killed between has lost the block. */
static void allocate(HANDLE heap, struct writer *writer, size_t i, size_t size, unsigned seed)
{
    begin(writer, ALLOC, i, size);
    void *block = HeapAlloc(heap, 0, size);
    if (block != NULL) {
        struct slot slot = { barrow_heap_offset(heap, block), size, seed & 0xff };
        fill(heap, &slot);
        writer->slots[i].size = slot.size;
        writer->slots[i].seed = slot.seed;
        atomic_signal_fence(memory_order_seq_cst);
        writer->slots[i].offset = slot.offset;
    }
    end(writer);
}

static void release(HANDLE heap, struct writer *writer, size_t i)
{
    REQUIRE(is_whole(heap, &writer->slots[i], writer->slots[i].size));
    begin(writer, FREE, i, 0);
    REQUIRE(HeapFree(heap, 0, barrow_heap_pointer(heap, writer->slots[i].offset)));
    writer->slots[i].offset = 0;
    end(writer);
}

static void resize(HANDLE heap, struct writer *writer, size_t i, size_t size)
{
    begin(writer, REALLOC, i, size);
    void *block = HeapReAlloc(heap, 0, barrow_heap_pointer(heap, writer->slots[i].offset), size);
    if (block != NULL) {
        writer->slots[i].offset = barrow_heap_offset(heap, block);
        writer->slots[i].size = size;
        fill(heap, &writer->slots[i]);
    }
    end(writer);
}

static void one_call(HANDLE heap, struct writer *writer, uint64_t *random)
{
    size_t i = rng_below(random, SLOTS);
    size_t size = rng_size(random, rng_below(random, 20) == 0 ? 17 : 10);
    if (writer->slots[i].offset == 0)
        allocate(heap, writer, i, size, (unsigned)rng_next(random));
    else if (rng_below(random, 5) == 0)
        resize(heap, writer, i, size);
    else
        release(heap, writer, i);
}

static _Noreturn void write_until_killed(unsigned number, uint64_t seed)
{
    HANDLE heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST);
    REQUIRE(heap != NULL);
    while (!atomic_load(&shared->stop))
        one_call(heap, &shared->writers[number], &seed);
    REQUIRE(barrow_heap_close(heap));
    _exit(0);
}

/* ---- the reader ----------------------------------------------------------------------------- */

static _Noreturn void read_until_killed(void)
{
    while (!atomic_load(&shared->stop)) {
        HANDLE heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_READ_ONLY);
        REQUIRE(heap != NULL);
        PROCESS_HEAP_ENTRY entry = { 0 };
        for (int i = 0; i < 3000 && HeapWalk(heap, &entry); i++)
            atomic_fetch_add(&shared->walked, 1);
        REQUIRE(HeapAlloc(heap, 0, 10) == NULL && GetLastError() == ERROR_ACCESS_DENIED);
        REQUIRE(barrow_heap_close(heap));
    }
    _exit(0);
}

/* ---- the killer ----------------------------------------------------------------------------- */

static pid_t start(unsigned number, uint64_t seed)
{
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        alarm(120);
        if (number == WRITERS)
            read_until_killed();
        write_until_killed(number, seed);
    }
    return pid;
}

/* What the slot names is the writer's: no call is about it that may have freed it. */
static bool is_settled(const struct writer *writer, size_t i)
{
    int intent = atomic_load(&writer->intent);
    return writer->subject != i || intent == NOTHING || intent == ALLOC;
}

static bool is_anybodys(uint64_t offset)
{
    for (unsigned w = 0; w < WRITERS; w++)
        for (size_t i = 0; i < SLOTS; i++)
            if (shared->writers[w].slots[i].offset == offset && is_settled(&shared->writers[w], i))
                return true;
    return false;
}

static void forget(HANDLE heap, struct slot *slot)
{
    void *block = barrow_heap_pointer(heap, slot->offset);
    if (slot->offset != 0 && !is_anybodys(slot->offset) && HeapSize(heap, 0, block) == slot->size)
        REQUIRE(HeapFree(heap, 0, block));
    slot->offset = 0;
}

/* What the interrupted call was about may be as before it or as after it. Nobody else runs. */
static void settle(HANDLE heap, struct writer *writer)
{
    struct slot *slot = &writer->slots[writer->subject];
    int intent = atomic_load(&writer->intent);
    if (intent == NOTHING)
        return;
    if (intent == ALLOC && slot->offset != 0) {
        atomic_store(&writer->intent, NOTHING);
        return; /* it had come back */
    }
    if (intent == ALLOC || intent == REALLOC)
        lost_most++;
    if (intent != ALLOC)
        forget(heap, slot);
    slot->offset = 0;
    atomic_store(&writer->intent, NOTHING);
}

static size_t expected_blocks(HANDLE heap)
{
    size_t count = 0;
    for (unsigned w = 0; w < WRITERS; w++)
        for (size_t i = 0; i < SLOTS; i++) {
            const struct slot *slot = &shared->writers[w].slots[i];
            if (slot->offset == 0)
                continue;
            count++;
            REQUIRE(is_whole(heap, slot, slot->size));
        }
    return count;
}

static size_t busy_blocks(HANDLE heap)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    size_t count = 0;
    while (HeapWalk(heap, &entry))
        count += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0;
    return count;
}

static void check_all(void)
{
    HANDLE heap = barrow_heap_open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST);
    REQUIRE(heap != NULL);
    REQUIRE(HeapValidate(heap, 0, NULL));
    for (unsigned w = 0; w < WRITERS; w++)
        settle(heap, &shared->writers[w]);
    size_t expected = expected_blocks(heap), busy = busy_blocks(heap);
    REQUIRE(busy >= expected && busy <= expected + lost_most);
    REQUIRE(HeapValidate(heap, 0, NULL));
    REQUIRE(barrow_heap_close(heap));
}

/* A writer that is killed has no successor before the round's end: nobody else knows its slots. */
static size_t run_round(uint64_t *random)
{
    pid_t pids[WRITERS + 1];
    size_t kills = 0;
    atomic_store(&shared->stop, false);
    for (unsigned i = 0; i <= WRITERS; i++)
        pids[i] = start(i, rng_next(random));
    for (unsigned i = 0; i <= WRITERS; i++) {
        usleep((useconds_t)rng_below(random, 4000));
        if (i == WRITERS && rng_below(random, 2) == 0)
            break; /* one ends by itself */
        kill(pids[i], SIGKILL);
        kills++;
    }
    atomic_store(&shared->stop, true);
    for (unsigned i = 0; i <= WRITERS; i++) {
        int status;
        REQUIRE(waitpid(pids[i], &status, 0) == pids[i]);
        REQUIRE(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    }
    check_all();
    return kills;
}

static void killed_at_random(void **state)
{
    (void)state;
    uint64_t random = 1;
    size_t kills = 0, wanted = scaled(KILLS);
    while (kills < wanted)
        kills += run_round(&random);
    uint64_t calls = 0;
    for (unsigned w = 0; w < WRITERS; w++)
        calls += atomic_load(&shared->writers[w].calls);
    print_message("%zu kills, %llu calls, %llu entries read\n", kills, (unsigned long long)calls,
                  (unsigned long long)atomic_load(&shared->walked));
    assert_true(calls > kills);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/barrow-kill-%d",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", getpid());
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    HANDLE heap = barrow_heap_open_file(path, 0, MAXIMUM, BARROW_HEAP_MUST_BE_NEW);
    return shared == MAP_FAILED || heap == NULL || !barrow_heap_close(heap) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return remove(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(killed_at_random) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
