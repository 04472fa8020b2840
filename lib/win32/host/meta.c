/* SPDX-License-Identifier: MIT */
/* meta.c: free lists by size (32 to 1024 bytes in steps of 32) over memory that is cut from the front
 * and never given back; larger blocks are mappings of their own.
 *
 * The memory is the committed front of a reservation, which grows. The kernel then only moves the
 * border between two mappings, which it does even when the process may have no more of them: so the
 * tables can still say what was released or decommitted. */
#include "win32/host/meta.h"

#include "win32/host/face_lock.h"
#include "win32/host/host_map.h"
#include "win32/host/internal.h"

#include <string.h>

#define STEP        ((size_t)32)
#define LARGEST     ((size_t)1024)
#define CHUNK_BYTES ((size_t)256 << 10)
#define ARENA_BYTES ((size_t)16 << 20) /* address space alone */

struct free_block {
    struct free_block *next;
};

FACE_LOCK(lock)
static struct free_block *lists[LARGEST / STEP + 1]; /* by size / STEP */
static char *chunk; /* what is committed and was never used: always zero */
static size_t chunk_left;
static size_t arena_left; /* reserved behind it */

static void *map_new(size_t size)
{
    uintptr_t address = 0;
    return host_map_anonymous(&address, size, OS_READ | OS_WRITE, OS_NEAR) == 0 ? (void *)address
                                                                                : NULL;
}

static bool reserve_arena(void)
{
    ASSERT(face_lock_is_mine(&lock));
    uintptr_t address = 0;
    if (host_map_anonymous(&address, ARENA_BYTES, OS_NONE, OS_NEAR) != 0)
        return false;
    chunk = (char *)address;
    chunk_left = 0;
    arena_left = ARENA_BYTES;
    return true;
}

static bool commit_chunk(void)
{
    ASSERT(face_lock_is_mine(&lock));
    if (arena_left == 0 && !reserve_arena())
        return false;
    uintptr_t end = (uintptr_t)chunk + chunk_left;
    if (host_map_protect(end, CHUNK_BYTES, OS_READ | OS_WRITE) != 0)
        return false;
    chunk_left += CHUNK_BYTES;
    arena_left -= CHUNK_BYTES;
    return true;
}

static void *cut_from_chunk(size_t size)
{
    ASSERT(face_lock_is_mine(&lock) && size != 0 && size % STEP == 0);
    if (chunk_left < size && !commit_chunk())
        return NULL;
    void *block = chunk;
    chunk += size;
    chunk_left -= size;
    return block;
}

void *meta_alloc(size_t size)
{
    ASSERT(size != 0);
    if (size > LARGEST)
        return map_new(round_up(size, PAGE_BYTES));
    size = round_up(size, STEP);
    face_lock(&lock);
    struct free_block *block = lists[size / STEP];
    if (block != NULL)
        lists[size / STEP] = block->next;
    void *result = block != NULL ? block : cut_from_chunk(size);
    face_unlock(&lock);
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
    face_lock(&lock);
    freed->next = lists[list];
    lists[list] = freed;
    face_unlock(&lock);
}

void meta_fork_prepare(void)
{
    face_lock_hold(&lock);
}

void meta_fork_release(void)
{
    face_lock_let_go(&lock);
}
