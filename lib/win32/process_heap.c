/* SPDX-License-Identifier: MIT */
/* process_heap.c: the process heap through the malloc family. malloc keeps no exact sizes and knows
 * no wild pointers, so blocks are recorded here, in a tree by address. */
#include "process_heap.h"

#include "internal.h"
#include "meta.h"
#include "tree.h"

#include "barrow/barrow.h"

#include <pthread.h>
#include <string.h>

struct record {
    struct tree_node node; /* key: the block's address */
    size_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tree_node *records;

static struct record *find(const void *block)
{
    struct record *record = (struct record *)tree_floor(records, (uintptr_t)block);
    return record != NULL && record->node.key == (uintptr_t)block ? record : NULL;
}

void *process_heap_alloc(size_t size, bool zero)
{
    struct record *record = meta_alloc(sizeof(*record));
    void *block = zero ? barrow_calloc(1, size) : barrow_malloc(size);
    if (record == NULL || block == NULL) {
        meta_free(record, sizeof(*record));
        barrow_free(block);
        return NULL;
    }
    record->node.key = (uintptr_t)block;
    record->size = size;
    pthread_mutex_lock(&lock);
    tree_insert(&records, &record->node);
    pthread_mutex_unlock(&lock);
    return block;
}

/* Moves the record to the block's new address, as the old one may be handed out again. */
static void rename_record(struct record *record, void *block, size_t size)
{
    tree_remove(&records, &record->node);
    record->node.key = (uintptr_t)block;
    record->size = size;
    tree_insert(&records, &record->node);
}

static void *resize(struct record *record, size_t size, bool in_place)
{
    void *block = (void *)record->node.key;
    if (in_place && size > barrow_malloc_usable_size(block))
        return NULL;
    if (size <= record->size) /* a block that shrinks stays where it is */
        in_place = true;
    void *moved = in_place ? block : barrow_realloc(block, size != 0 ? size : 1);
    if (moved != NULL)
        rename_record(record, moved, size);
    return moved;
}

void *process_heap_realloc(void *block, size_t size, bool zero, bool in_place)
{
    pthread_mutex_lock(&lock);
    struct record *record = find(block);
    size_t old = record != NULL ? record->size : 0;
    void *moved = record != NULL ? resize(record, size, in_place) : NULL;
    pthread_mutex_unlock(&lock);
    if (moved != NULL && zero && size > old)
        memset((char *)moved + old, 0, size - old);
    return moved;
}

void process_heap_free(void *block)
{
    pthread_mutex_lock(&lock);
    struct record *record = find(block);
    if (record != NULL)
        tree_remove(&records, &record->node);
    pthread_mutex_unlock(&lock);
    if (record != NULL) {
        meta_free(record, sizeof(*record));
        barrow_free(block);
    }
}

size_t process_heap_size(const void *block)
{
    pthread_mutex_lock(&lock);
    struct record *record = find(block);
    size_t size = record != NULL ? record->size : PROCESS_HEAP_NO_BLOCK;
    pthread_mutex_unlock(&lock);
    return size;
}

void process_heap_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

void process_heap_fork_release(void)
{
    pthread_mutex_unlock(&lock);
}
