/* SPDX-License-Identifier: MIT */
/* image.h: a loaded module's import slots. A slot holds the address of a function of another
 * module; the module calls through it. */
#ifndef BARROW_REDIRECT_IMAGE_H
#define BARROW_REDIRECT_IMAGE_H

#include <stddef.h>
#include <windows.h>

/* Returns what the slot is to hold from now on, which is value itself if nothing is to change. */
typedef void *image_slot_map(void *context, void *value);

/* Asks map for each import slot of the module, and returns how many were changed. Each change is
 * one store, so that threads which call through the slot see the old value or the new one. */
size_t image_map_slots(HMODULE module, image_slot_map *map, void *context);

#endif
