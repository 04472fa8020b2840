/* SPDX-License-Identifier: MIT */
/* worker_heaps.c: eight threads, each with a heap of its own that is not serialized, and a shared
 * one that is. Each thread works in its own heap and passes its results on to the next thread as
 * blocks of the shared heap, which the receiver frees. */
#include <windows.h>

#include <stdio.h>
#include <string.h>
#ifndef _WIN32
#include <pthread.h>
#endif

#define WORKERS 8
#define ROUNDS  3000
#define SLOTS   16

typedef struct MESSAGE {
    DWORD from, number, length, sum;
    BYTE bytes[1];
} MESSAGE;

typedef struct WORKER {
    DWORD number;
    HANDLE own;
    int result;
} WORKER;

static HANDLE shared;
static MESSAGE *box[WORKERS][SLOTS]; /* what waits for each worker */

/* A piece of work in the worker's own heap: some blocks, of which the sum is the result. */
static DWORD work(WORKER *worker, DWORD number, DWORD length)
{
    BYTE *scratch = (BYTE *)HeapAlloc(worker->own, HEAP_ZERO_MEMORY, length);
    DWORD i, sum = 0;
    if (scratch == NULL)
        return 0;
    for (i = 0; i < length; i++)
        scratch[i] = (BYTE)(number * 31 + i);
    scratch = (BYTE *)HeapReAlloc(worker->own, HEAP_ZERO_MEMORY, scratch, 2 * length);
    if (scratch == NULL)
        return 0;
    for (i = 0; i < 2 * length; i++)
        sum += scratch[i];
    HeapFree(worker->own, 0, scratch);
    return sum;
}

static MESSAGE *compose(WORKER *worker, DWORD number)
{
    DWORD i, length = number * 7 % 900 + 1;
    MESSAGE *message = (MESSAGE *)HeapAlloc(shared, 0, sizeof(MESSAGE) + length);
    if (message == NULL)
        return NULL;
    message->from = worker->number;
    message->number = number;
    message->length = length;
    message->sum = work(worker, number, length);
    for (i = 0; i < length; i++)
        message->bytes[i] = (BYTE)(number * 31 + i);
    return message;
}

static int is_right(const MESSAGE *message)
{
    DWORD i, sum = 0;
    if (HeapSize(shared, 0, message) != sizeof(MESSAGE) + message->length)
        return 0;
    for (i = 0; i < message->length; i++)
        sum += message->bytes[i];
    return sum == message->sum;
}

static int pass_on(WORKER *worker, DWORD number)
{
    DWORD next = (worker->number + 1) % WORKERS;
    MESSAGE *message = compose(worker, number);
    if (message == NULL)
        return 0;
    /* What lay in the slot still comes back, and is freed here. */
    message = (MESSAGE *)__atomic_exchange_n(&box[next][number % SLOTS], message, __ATOMIC_ACQ_REL);
    return HeapFree(shared, 0, message);
}

static int receive(WORKER *worker, DWORD slot)
{
    MESSAGE *message = (MESSAGE *)__atomic_exchange_n(&box[worker->number][slot % SLOTS],
                                                      (MESSAGE *)NULL, __ATOMIC_ACQ_REL);
    if (message == NULL)
        return 1;
    return is_right(message) && HeapFree(shared, 0, message);
}

static void run(WORKER *worker)
{
    DWORD number;
    worker->own = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    worker->result = worker->own != NULL;
    for (number = 0; worker->result && number < ROUNDS; number++)
        worker->result = pass_on(worker, number) && receive(worker, number * 5);
    if (!HeapValidate(worker->own, 0, NULL) || !HeapDestroy(worker->own))
        worker->result = 0;
}

#ifdef _WIN32
typedef HANDLE THREAD;

static DWORD WINAPI thread_main(LPVOID argument)
{
    run((WORKER *)argument);
    return 0;
}

static int start(THREAD *thread, WORKER *worker)
{
    *thread = CreateThread(NULL, 0, thread_main, worker, 0, NULL);
    return *thread != NULL;
}

static void finish(THREAD thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}
#else
typedef pthread_t THREAD;

static void *thread_main(void *argument)
{
    run((WORKER *)argument);
    return NULL;
}

static int start(THREAD *thread, WORKER *worker)
{
    return pthread_create(thread, NULL, thread_main, worker) == 0;
}

static void finish(THREAD thread)
{
    pthread_join(thread, NULL);
}
#endif

static int shared_is_empty(void)
{
    PROCESS_HEAP_ENTRY entry;
    DWORD busy = 0;
    memset(&entry, 0, sizeof(entry));
    while (HeapWalk(shared, &entry)) {
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY)
            busy++;
    }
    return busy == 0 && GetLastError() == ERROR_NO_MORE_ITEMS;
}

int main(void)
{
    static WORKER workers[WORKERS];
    THREAD threads[WORKERS];
    DWORD i, slot;

    shared = HeapCreate(0, 0, 0);
    if (shared == NULL)
        return 1;
    for (i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        if (!start(&threads[i], &workers[i]))
            return 2;
    }
    for (i = 0; i < WORKERS; i++) {
        finish(threads[i]);
        if (!workers[i].result)
            return 3;
    }
    for (i = 0; i < WORKERS; i++) {
        for (slot = 0; slot < SLOTS; slot++) {
            if (!receive(&workers[i], slot))
                return 4;
        }
    }
    if (!shared_is_empty() || !HeapDestroy(shared))
        return 5;
    printf("%d workers passed %d blocks each\n", WORKERS, ROUNDS);
    return 0;
}
