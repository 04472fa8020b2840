/* SPDX-License-Identifier: MIT */
/* object.h: what handles refer to, and the table of handles.
 *
 * A handle's value is 4 * (slot + 2^20 * generation), with a generation of 1 to 511: a multiple of 4
 * below 2^31, so HandleToLong keeps all of it; never NULL, never a negative pseudo handle. The
 * generation of a slot rises with each use, and slots wait in a queue before they are used again:
 * the value of a closed handle stays invalid for at least eight million further handles. */
#ifndef BARROW_WIN32_HANDLE_OBJECT_H
#define BARROW_WIN32_HANDLE_OBJECT_H

#include "win32/host/internal.h"

#include <stdatomic.h>

struct object;

/* What differs from one kind of object to the next. Every function is called without a lock, but
 * for may_grant, which is called with the table locked. */
struct object_kind {
    /* The last handle is closed, or the process ends: the object's name or its locks go. Called
     * once at most; calls on the object may still be in progress, and views may refer to it. */
    void (*last_handle)(struct object *object);
    /* Nothing refers to the object any more. */
    void (*destroy)(struct object *object);
    /* Whether a handle with the access *wanted may be made from one with the access own. Replaces
     * the generic rights in *wanted. */
    bool (*may_grant)(DWORD own, DWORD *wanted);
};

extern const struct object_kind file_kind;
extern const struct object_kind section_kind;

/* The head of each object. It lives while anything refers to it: handles, views, calls in progress.
 */
struct object {
    const struct object_kind *kind;
    atomic_uint references;
    unsigned handles;  /* guarded by the table's lock */
    atomic_bool ended; /* last_handle was called */
};

void object_init(struct object *object, const struct object_kind *kind); /* with one reference */
void object_retain(struct object *object);
void object_release(struct object *object);

/* A handle to an object that has had none; takes a reference of its own. NULL when there is no
 * memory for it, or 2^20 handles are open. */
HANDLE handle_open(struct object *object, DWORD access);

/* For an object whose making cannot be undone: the handle is there before, and refers to nothing until
 * it is published. NULL as above. A reserved handle is published or dropped. */
HANDLE handle_reserve(void);
void handle_publish(HANDLE reserved, struct object *object, DWORD access);
void handle_drop(HANDLE reserved);

/* The object of a handle, retained, and the handle's access; NULL when it is no open handle, or when
 * kind is not NULL and another. */
struct object *handle_object(HANDLE handle, const struct object_kind *kind, DWORD *access);

/* Calls act for each object of the kind that has an open handle, once for each of its handles. The
 * table's lock is held: for fork. */
void handle_each(const struct object_kind *kind, void (*act)(struct object *object));

void handle_fork_prepare(void);
void handle_fork_release(void);

#endif
