/* SPDX-License-Identifier: MIT */
/* image.h: a loaded module's import slots. A slot holds the address of a function of another
 * module; the module calls through it. */
#ifndef BARROW_REDIRECT_IMAGE_H
#define BARROW_REDIRECT_IMAGE_H

#include <stddef.h>
#include <windows.h>

/* Returns what the slot is to hold from now on, which is value itself if nothing is to change. */
typedef void *image_slot_map(void *context, void *value);

enum image_state { IMAGE_BOUND, IMAGE_UNBOUND /* the loader has yet to fill the slots */ };

/* Asks map for each import slot of the module, and counts in *changed how many were changed. Each
 * change is one store, so that threads which call through the slot see the old value or the new
 * one. */
enum image_state image_map_slots(HMODULE module, image_slot_map *map, void *context,
                                 size_t *changed);

#endif
