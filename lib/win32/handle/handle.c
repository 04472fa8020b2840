/* SPDX-License-Identifier: MIT */
/* handle.c: the table of handles: 2^20 slots in chunks that are made as needed. */
#include "win32/handle/object.h"

#include "win32/handle/file.h"

#include "win32/host/meta.h"

#include <pthread.h>

#define SLOT_BITS   20
#define SLOTS       ((size_t)1 << SLOT_BITS)
#define CHUNK_SLOTS ((size_t)1024)

struct slot {
    struct object *object; /* NULL: free */
    uint64_t generation;   /* of the handle in use, or of the last one */
    DWORD access;
    uint32_t next_free; /* slot number + 1; 0 ends the list */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *chunks[SLOTS / CHUNK_SLOTS];
static size_t used_slots; /* ever used: slots below this are in a chunk */
static uint32_t first_free;

static struct slot *slot_at(size_t number)
{
    return &chunks[number / CHUNK_SLOTS][number % CHUNK_SLOTS];
}

static HANDLE handle_value(size_t number, const struct slot *slot)
{
    return (HANDLE)(uintptr_t)((slot->generation << SLOT_BITS | number) << 2);
}

/* The live slot of a handle, or NULL. Locked. */
static struct slot *find(HANDLE handle)
{
    uint64_t value = (uint64_t)(uintptr_t)handle;
    size_t number = value >> 2 & (SLOTS - 1);
    if ((value & 3) != 0 || number >= used_slots)
        return NULL;
    struct slot *slot = slot_at(number);
    return slot->object != NULL && slot->generation == value >> (SLOT_BITS + 2) ? slot : NULL;
}

/* A free slot, by number; SLOTS when there is none. Locked. */
static size_t take_slot(void)
{
    if (first_free != 0) {
        size_t number = first_free - 1;
        first_free = slot_at(number)->next_free;
        return number;
    }
    if (used_slots == SLOTS)
        return SLOTS;
    struct slot **chunk = &chunks[used_slots / CHUNK_SLOTS];
    if (*chunk == NULL)
        *chunk = meta_alloc(CHUNK_SLOTS * sizeof(struct slot));
    return *chunk != NULL ? used_slots++ : SLOTS;
}

void object_init(struct object *object, enum object_type type)
{
    object->type = type;
    atomic_init(&object->references, 1);
    atomic_init(&object->handles, 0);
}

void object_retain(struct object *object)
{
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

void object_release(struct object *object)
{
    unsigned before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before != 1)
        return;
    if (object->type == OBJECT_FILE)
        file_destroy(object);
    else
        section_destroy(object);
}

HANDLE handle_open(struct object *object, DWORD access)
{
    HANDLE handle = NULL;
    win32_fork_register();
    pthread_mutex_lock(&lock);
    size_t number = take_slot();
    if (number != SLOTS) {
        struct slot *slot = slot_at(number);
        slot->object = object;
        slot->access = access;
        slot->generation++;
        object_retain(object);
        atomic_fetch_add(&object->handles, 1);
        handle = handle_value(number, slot);
    }
    pthread_mutex_unlock(&lock);
    return handle;
}

struct object *handle_object(HANDLE handle, int type, DWORD *access)
{
    struct object *object = NULL;
    pthread_mutex_lock(&lock);
    struct slot *slot = find(handle);
    if (slot != NULL && (type == 0 || (int)slot->object->type == type)) {
        object = slot->object;
        object_retain(object);
        if (access != NULL)
            *access = slot->access;
    }
    pthread_mutex_unlock(&lock);
    return object;
}

static bool close_handle(HANDLE handle)
{
    struct object *object = NULL;
    bool last = false;
    pthread_mutex_lock(&lock);
    struct slot *slot = find(handle);
    if (slot != NULL) {
        object = slot->object;
        slot->object = NULL;
        slot->next_free = first_free;
        first_free = (uint32_t)((uintptr_t)handle >> 2 & (SLOTS - 1)) + 1;
        last = atomic_fetch_sub(&object->handles, 1) == 1;
    }
    pthread_mutex_unlock(&lock);
    if (object == NULL)
        return false;
    if (last && object->type == OBJECT_FILE)
        file_last_handle(object);
    else if (last)
        section_last_handle(object);
    object_release(object);
    return true;
}

BOOL CloseHandle(HANDLE object)
{
    if (is_this_process(object))
        return TRUE;
    return close_handle(object) ? TRUE : fail(ERROR_INVALID_HANDLE);
}

/* What the copy may do. A file's descriptor cannot be given rights that it was not opened with; a
 * section's handle can, within the section's own protection, which each mapping checks. */
static bool grant(const struct object *object, DWORD own, DWORD *access)
{
    if (object->type != OBJECT_FILE)
        return true;
    *access = file_rights(*access);
    return (*access & ~own) == 0;
}

static DWORD duplicate(HANDLE source, LPHANDLE target, DWORD access, DWORD options)
{
    DWORD own;
    struct object *object = handle_object(source, 0, &own);
    if (object == NULL)
        return ERROR_INVALID_HANDLE;
    if ((options & DUPLICATE_SAME_ACCESS) != 0)
        access = own;
    bool granted = (options & DUPLICATE_SAME_ACCESS) != 0 || grant(object, own, &access);
    HANDLE made = granted ? handle_open(object, access) : NULL;
    object_release(object);
    if (!granted)
        return ERROR_ACCESS_DENIED;
    *target = made;
    return made != NULL ? 0 : ERROR_NOT_ENOUGH_MEMORY;
}

BOOL DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process, LPHANDLE target,
                     DWORD access, BOOL inherit, DWORD options)
{
    HANDLE made = NULL;
    (void)inherit;
    if (!is_this_process(source_process) || !is_this_process(target_process))
        return fail(ERROR_INVALID_HANDLE);
    if ((options & ~(DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS)) != 0)
        return fail(ERROR_INVALID_PARAMETER);
    DWORD error = duplicate(source, &made, access, options);
    if ((options & DUPLICATE_CLOSE_SOURCE) != 0)
        close_handle(source);
    if (error != 0)
        return fail(error);
    if (target != NULL)
        *target = made;
    else
        close_handle(made);
    return TRUE;
}

BOOL GetHandleInformation(HANDLE object, LPDWORD flags)
{
    struct object *found = handle_object(object, 0, NULL);
    if (found == NULL)
        return fail(ERROR_INVALID_HANDLE);
    object_release(found);
    if (flags != NULL)
        *flags = 0;
    return TRUE;
}

void handle_each_section(void (*act)(struct object *section))
{
    for (size_t i = 0; i < used_slots; i++) {
        struct object *object = slot_at(i)->object;
        if (object != NULL && object->type == OBJECT_SECTION)
            act(object);
    }
}

void handle_fork_prepare(void)
{
    pthread_mutex_lock(&lock);
}

void handle_fork_release(void)
{
    pthread_mutex_unlock(&lock);
}
