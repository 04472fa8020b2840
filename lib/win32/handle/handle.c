/* SPDX-License-Identifier: MIT */
/* handle.c: the table of handles: 2^20 slots in chunks that are made as needed.
 *
 * Free slots form a queue: the slot that was freed first is used first, and none before 16,384
 * are free, so that the value of a closed handle does not come back soon. Every step from one state
 * of the table to the next is made with the lock held: a handle is looked up and duplicated in one
 * step, so an object whose last handle was closed never gets another. What the end of an object takes
 * happens after the lock was released. */
#include "win32/handle/object.h"

#include "win32/host/face_lock.h"
#include "win32/host/meta.h"

#define SLOT_BITS       20
#define SLOTS           ((size_t)1 << SLOT_BITS)
#define CHUNK_SLOTS     ((size_t)1024)
#define GENERATIONS     512u /* 0 is not used: no handle is NULL */
#define FREE_BEFORE_USE (16 * CHUNK_SLOTS)

_Static_assert(((uint64_t)GENERATIONS << SLOT_BITS) << 2 <= (uint64_t)1 << 31,
               "handles are positive numbers of 32 bits");

struct slot {
    struct object *object; /* NULL: free */
    DWORD access;
    uint32_t generation; /* of the handle in use, or of the last one */
    uint32_t next_free;  /* slot number + 1; 0 ends the queue */
};

FACE_LOCK(lock)
static struct slot *chunks[SLOTS / CHUNK_SLOTS];
static size_t used_slots; /* ever used: slots below this are in a chunk */
static size_t free_slots; /* in the queue */
static uint32_t first_free, last_free;

static struct slot *slot_at(size_t number)
{
    ASSERT(number < used_slots);
    ASSERT(chunks[number / CHUNK_SLOTS] != NULL);
    return &chunks[number / CHUNK_SLOTS][number % CHUNK_SLOTS];
}

static HANDLE slot_handle(size_t number, const struct slot *slot)
{
    ASSERT(slot->generation > 0 && slot->generation < GENERATIONS);
    return (HANDLE)(((uintptr_t)slot->generation << SLOT_BITS | number) << 2);
}

static size_t slot_number(HANDLE handle)
{
    return (uintptr_t)handle >> 2 & (SLOTS - 1);
}

/* The open slot of a handle, or NULL. Locked. */
static struct slot *find(HANDLE handle)
{
    uintptr_t value = (uintptr_t)handle;
    size_t number = slot_number(handle);
    ASSERT(face_lock_is_mine(&lock));
    if ((value & 3) != 0 || number >= used_slots)
        return NULL;
    struct slot *slot = slot_at(number);
    return slot->object != NULL && slot->generation == value >> (SLOT_BITS + 2) ? slot : NULL;
}

/* Makes the chunk of the next slot that was never used. Locked. */
static bool extend(void)
{
    ASSERT(face_lock_is_mine(&lock));
    if (used_slots == SLOTS)
        return false;
    struct slot **chunk = &chunks[used_slots / CHUNK_SLOTS];
    if (*chunk == NULL)
        *chunk = meta_alloc(CHUNK_SLOTS * sizeof(struct slot));
    if (*chunk == NULL)
        return false;
    used_slots++;
    return true;
}

static size_t dequeue(void)
{
    ASSERT(face_lock_is_mine(&lock));
    size_t number = first_free - 1;
    ASSERT(free_slots > 0);
    first_free = slot_at(number)->next_free;
    if (--free_slots == 0)
        last_free = 0;
    return number;
}

static void enqueue(size_t number)
{
    ASSERT(face_lock_is_mine(&lock));
    struct slot *slot = slot_at(number);
    slot->object = NULL;
    slot->next_free = 0;
    if (last_free != 0)
        slot_at(last_free - 1)->next_free = (uint32_t)number + 1;
    else
        first_free = (uint32_t)number + 1;
    last_free = (uint32_t)number + 1;
    free_slots++;
}

/* A free slot, by number; SLOTS when there is none. Locked. */
static size_t take_slot(void)
{
    ASSERT(face_lock_is_mine(&lock));
    if (free_slots < FREE_BEFORE_USE && extend())
        return used_slots - 1;
    return free_slots > 0 ? dequeue() : SLOTS;
}

/* A handle that refers to nothing yet; NULL when no slot is free. Locked. */
static HANDLE reserve(void)
{
    ASSERT(face_lock_is_mine(&lock));
    size_t number = take_slot();
    if (number == SLOTS)
        return NULL;
    struct slot *slot = slot_at(number);
    ASSERT(slot->object == NULL);
    slot->generation = slot->generation + 1 < GENERATIONS ? slot->generation + 1 : 1;
    return slot_handle(number, slot);
}

/* Locked. */
static void refer(HANDLE reserved, struct object *object, DWORD access)
{
    ASSERT(face_lock_is_mine(&lock));
    struct slot *slot = slot_at(slot_number(reserved));
    ASSERT(slot->object == NULL && object != NULL && object->kind != NULL);
    slot->object = object;
    slot->access = access;
    object_retain(object);
    object->handles++;
}

static HANDLE insert(struct object *object, DWORD access)
{
    ASSERT(face_lock_is_mine(&lock));
    HANDLE handle = reserve();
    if (handle != NULL)
        refer(handle, object, access);
    return handle;
}

/* Frees the slot of an open handle. Answers the object, whose reference is now the caller's; *last:
 * it has no handle any more. Locked. */
static struct object *take_out(HANDLE handle, bool *last)
{
    ASSERT(face_lock_is_mine(&lock));
    struct slot *slot = find(handle);
    struct object *object = slot != NULL ? slot->object : NULL;
    if (object == NULL)
        return NULL;
    ASSERT(object->handles > 0);
    enqueue(slot_number(handle));
    *last = --object->handles == 0;
    return object;
}

void object_init(struct object *object, const struct object_kind *kind)
{
    object->kind = kind;
    object->handles = 0;
    atomic_init(&object->references, 1);
    atomic_init(&object->ended, false);
}

void object_retain(struct object *object)
{
    unsigned before = atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    (void)before;
}

void object_release(struct object *object)
{
    /* release: what this thread did with the object comes before its end in another thread */
    unsigned before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        object->kind->destroy(object);
}

/* A thread that closes the last handle and the end of the process may both come here. */
static void end(struct object *object)
{
    if (!atomic_exchange(&object->ended, true))
        object->kind->last_handle(object);
}

HANDLE handle_open(struct object *object, DWORD access)
{
    win32_fork_register();
    face_lock(&lock);
    ASSERT(object->handles == 0 && !object->ended);
    HANDLE handle = insert(object, access);
    face_unlock(&lock);
    return handle;
}

HANDLE handle_reserve(void)
{
    win32_fork_register();
    face_lock(&lock);
    HANDLE handle = reserve();
    face_unlock(&lock);
    return handle;
}

void handle_publish(HANDLE reserved, struct object *object, DWORD access)
{
    face_lock(&lock);
    ASSERT(object->handles == 0 && !object->ended);
    refer(reserved, object, access);
    face_unlock(&lock);
}

void handle_drop(HANDLE reserved)
{
    face_lock(&lock);
    enqueue(slot_number(reserved));
    face_unlock(&lock);
}

struct object *handle_object(HANDLE handle, const struct object_kind *kind, DWORD *access)
{
    struct object *object = NULL;
    face_lock(&lock);
    struct slot *slot = find(handle);
    if (slot != NULL && (kind == NULL || slot->object->kind == kind)) {
        object = slot->object;
        object_retain(object);
        if (access != NULL)
            *access = slot->access;
    }
    face_unlock(&lock);
    return object;
}

static bool close_handle(HANDLE handle)
{
    bool last = false;
    face_lock(&lock);
    struct object *object = take_out(handle, &last);
    face_unlock(&lock);
    if (object == NULL)
        return false;
    if (last)
        end(object);
    object_release(object);
    return true;
}

BOOL CloseHandle(HANDLE object)
{
    if (is_this_process(object))
        return TRUE;
    return close_handle(object) ? TRUE : fail(ERROR_INVALID_HANDLE);
}

/* Locked. */
static DWORD duplicate(HANDLE source, LPHANDLE copy, DWORD access, DWORD options)
{
    ASSERT(face_lock_is_mine(&lock));
    struct slot *slot = find(source);
    if (slot == NULL)
        return ERROR_INVALID_HANDLE;
    if ((options & DUPLICATE_SAME_ACCESS) != 0)
        access = slot->access;
    else if (!slot->object->kind->may_grant(slot->access, &access))
        return ERROR_ACCESS_DENIED;
    *copy = insert(slot->object, access);
    return *copy != NULL ? 0 : ERROR_NOT_ENOUGH_MEMORY;
}

/* The source is closed in the same step, also when no copy could be made, as on Windows. */
static DWORD duplicate_and_close(HANDLE source, LPHANDLE copy, DWORD access, DWORD options)
{
    bool last = false;
    struct object *closed = NULL;
    face_lock(&lock);
    DWORD error = duplicate(source, copy, access, options);
    if ((options & DUPLICATE_CLOSE_SOURCE) != 0)
        closed = take_out(source, &last);
    face_unlock(&lock);
    if (last)
        end(closed);
    if (closed != NULL)
        object_release(closed);
    return error;
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
    DWORD error = duplicate_and_close(source, &made, access, options);
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
    struct object *found = handle_object(object, NULL, NULL);
    if (found == NULL)
        return fail(ERROR_INVALID_HANDLE);
    object_release(found);
    if (flags != NULL)
        *flags = 0;
    return TRUE;
}

void handle_each(const struct object_kind *kind, void (*act)(struct object *object))
{
    ASSERT(face_lock_is_mine(&lock));
    for (size_t i = 0; i < used_slots; i++) {
        struct object *object = slot_at(i)->object;
        if (object != NULL && (kind == NULL || object->kind == kind))
            act(object);
    }
}

/* The process ends by exit, or by a return from main: no handle outlives it, as on Windows. A signal
 * handler may call exit while its thread is in here; the next process then cleans up. */
static void end_all(void)
{
    if (face_lock_is_mine(&lock))
        return;
    face_lock(&lock);
    handle_each(NULL, end);
    face_unlock(&lock);
}
AT_END(end_all)

void handle_fork_prepare(void)
{
    face_lock_hold(&lock);
}

void handle_fork_release(void)
{
    face_lock_let_go(&lock);
}
