/* SPDX-License-Identifier: MIT */
/* object.h: what handles refer to, and the table of handles.
 *
 * A handle's value is 4 * (slot + 2^20 * generation): a multiple of 4, never NULL, never one of the
 * negative pseudo handles, never the address of a heap. The generation of a slot rises with each
 * use, so that a closed handle stays invalid for good: a slot would have to be used 2^41 times. */
#ifndef BARROW_WIN32_HANDLE_OBJECT_H
#define BARROW_WIN32_HANDLE_OBJECT_H

#include "win32/host/internal.h"

#include <stdatomic.h>

enum object_type { OBJECT_FILE = 1, OBJECT_SECTION = 2 };

/* The head of each object. It lives while anything refers to it: handles, views, calls under way.
 */
struct object {
    enum object_type type;
    atomic_uint references;
    atomic_uint handles; /* when it falls to 0, the object's name or its locks go */
};

/* By type: called when the last handle is closed, and when nothing refers to the object any more.
 */
void file_last_handle(struct object *file);
void file_destroy(struct object *file);
void section_last_handle(struct object *section);
void section_destroy(struct object *section);

void object_init(struct object *object, enum object_type type); /* with one reference */
void object_retain(struct object *object);
void object_release(struct object *object);

/* A new handle; takes a reference of its own. NULL when there is no memory for it. */
HANDLE handle_open(struct object *object, DWORD access);

/* The object of a handle, retained, and the handle's access; NULL when it is no live handle, or
 * when type is not 0 and another. */
struct object *handle_object(HANDLE handle, int type, DWORD *access);

/* Calls act for each section that has a live handle, once or more often; for fork. The table is
 * locked meanwhile. */
void handle_each_section(void (*act)(struct object *section));

void handle_fork_prepare(void);
void handle_fork_release(void);

#endif
