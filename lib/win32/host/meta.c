/* SPDX-License-Identifier: MIT */
/* meta.c: free lists by size (32 to 1024 bytes in steps of 32) over chunks that are cut from the
 * front and never given back; larger blocks are mappings of their own. */
#include "win32/host/meta.h"

#include "win32/host/host_map.h"
#include "win32/host/internal.h"

#include <pthread.h>
#include <string.h>

#define STEP        ((size_t)32)
#define LARGEST     ((size_t)1024)
#define CHUNK_BYTES ((size_t)256 << 10)

struct free_block {
    struct free_block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct free_block *lists[LARGEST / STEP + 1]; /* by size / STEP */
static char *chunk;                                  /* rest of the chunk in use: always zero */
static size_t chunk_left;

static void *map_new(size_t size)
{
    uintptr_t address = 0;
    return host_map_anonymous(&address, size, OS_READ | OS_WRITE, OS_NEAR) == 0 ? (void *)address
                                                                                : NULL;
}

static void *cut_from_chunk(size_t size)
{
    if (chunk_left < size) {
        char *fresh = map_new(CHUNK_BYTES);
        if (fresh == NULL)
            return NULL;
        chunk = fresh;
        chunk_left = CHUNK_BYTES;
    }
    void *block = chunk;
    chunk += size;
    chunk_left -= size;
    return block;
}

void *meta_alloc(size_t size)
{
    if (size > LARGEST)
        return map_new(round_up(size, PAGE_BYTES));
    size = round_up(size, STEP);
    pthread_mutex_lock(&lock);
    struct free_block *block = lists[size / STEP];
    if (block != NULL)
        lists[size / STEP] = block->next;
    void *result = block != NULL ? block : cut_from_chunk(size);
    pthread_mutex_unlock(&lock);
    if (block != NULL)
        memset(block, 0, size);
    return result;
}

void meta_free(void *block, size_t size)
{
    if (block == NULL)
        return;
    if (size > LARGEST) {
        host_unmap((uintptr_t)block, round_up(size, PAGE_BYTES));
        return;
    }
    struct free_block *freed = block;
    size_t list = round_up(size, STEP) / STEP;
    pthread_mutex_lock(&lock);
    freed->next = lists[list];
    lists[list] = freed;
    pthread_mutex_unlock(&lock);
}

void meta_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

void meta_fork_release(void)
{
    pthread_mutex_unlock(&lock);
}
