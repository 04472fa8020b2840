/* SPDX-License-Identifier: MIT */
/* image.h: a loaded module's import slots. A slot holds the address of a function of another
 * module; the module calls through it. */
#ifndef BARROW_REDIRECT_IMAGE_H
#define BARROW_REDIRECT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

struct image_slot {
    void **at;
    const char *dll;
    const char *name; /* NULL: imported by ordinal, or the table of names is gone */
    bool delayed;     /* may hold the address of code that finds the function at the first call */
};

typedef void image_visit(void *context, const struct image_slot *slot);

enum image_state { IMAGE_BOUND, IMAGE_UNBOUND /* the loader has yet to fill the slots */ };

/* Shows each import slot of the module, delay-loaded ones too. */
enum image_state image_visit_slots(HMODULE module, image_visit *visit, void *context);

/* A slot and what it is to hold. */
struct image_change {
    void **at;
    void *value;
    bool later;   /* for now it is only tried whether the slot can be changed */
    DWORD access; /* image_change_slots' own */
};

/* Makes all the changes or none; false for none. Each is one store, so that threads which call
 * through a slot see the old value or the new one. */
bool image_change_slots(struct image_change *changes, size_t count);

#endif
