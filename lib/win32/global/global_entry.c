/* SPDX-License-Identifier: MIT */
/* The tables are made at the first moveable block and stay. A tree leads from the data back to the
 * entry (GlobalHandle): it has the entries that have data, each under its data's address. */
#include "win32/global/global_entry.h"

#include "win32/host/face_lock.h"
#include "win32/host/meta.h"
#include "win32/host/tree.h"

#define ENTRIES 65536

FACE_LOCK(lock)
static struct global_entry *entries; /* all of them, once there is one */
static struct tree_node *data_nodes; /* one for each entry: key is the data's address */
static struct tree_node *by_data;    /* of entries that have data */
static struct global_entry *free_entries;
static size_t used_entries; /* ever used */

void entries_lock(void)
{
    face_lock(&lock);
}

void entries_unlock(void)
{
    face_unlock(&lock);
}

void global_fork_prepare(void)
{
    face_lock_hold(&lock);
}

void global_fork_release(void)
{
    face_lock_let_go(&lock);
}

struct global_entry *entry_of(HANDLE handle)
{
    ASSERT(face_lock_is_mine(&lock));
    uintptr_t first = (uintptr_t)entries;
    uintptr_t at = (uintptr_t)handle - offsetof(struct global_entry, data);
    if (entries == NULL || at < first || at >= first + used_entries * sizeof(struct global_entry))
        return NULL;
    struct global_entry *entry = (struct global_entry *)at;
    return (entry->flags & IN_USE) != 0 ? entry : NULL;
}

struct global_entry *entry_with(const void *address)
{
    ASSERT(face_lock_is_mine(&lock));
    struct tree_node *node = tree_floor(by_data, (uintptr_t)address);
    if (node == NULL || node->key != (uintptr_t)address)
        return NULL;
    return &entries[node - data_nodes];
}

void entry_set_data(struct global_entry *entry, void *data)
{
    ASSERT(face_lock_is_mine(&lock));
    ASSERT((entry->flags & IN_USE) != 0);
    struct tree_node *node = &data_nodes[entry - entries];
    if (entry->data != NULL)
        tree_remove(&by_data, node);
    entry->data = data;
    if (data == NULL)
        return;
    node->key = (uintptr_t)data;
    tree_insert(&by_data, node);
}

static bool make_tables(void)
{
    ASSERT(face_lock_is_mine(&lock));
    if (entries != NULL)
        return true;
    if (data_nodes == NULL)
        data_nodes = meta_alloc(ENTRIES * sizeof(*data_nodes));
    if (data_nodes != NULL)
        entries = meta_alloc(ENTRIES * sizeof(*entries));
    return entries != NULL;
}

struct global_entry *entry_new(uintptr_t flags)
{
    ASSERT(face_lock_is_mine(&lock));
    if (!make_tables())
        return NULL;
    struct global_entry *entry = free_entries;
    if (entry != NULL)
        free_entries = (struct global_entry *)entry->flags;
    else if (used_entries < ENTRIES)
        entry = &entries[used_entries++];
    if (entry != NULL)
        *entry = (struct global_entry){ IN_USE | MOVEABLE | flags, NULL };
    return entry;
}

void entry_free(struct global_entry *entry)
{
    ASSERT(face_lock_is_mine(&lock));
    ASSERT((entry->flags & IN_USE) != 0);
    entry_set_data(entry, NULL);
    entry->flags = (uintptr_t)free_entries; /* aligned to 16: not IN_USE */
    free_entries = entry;
}
