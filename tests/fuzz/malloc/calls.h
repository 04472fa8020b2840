/* SPDX-License-Identifier: MIT */
/* calls.h: one call of malloc's face at a time, drawn at random or from an input, and checked: what
 * the block's size, alignment and contents must be, that it overlaps no other, and what a call that
 * must fail reports. */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include "../model/model.h"

/* One step of a player: a call or a few, on a slot that nobody else is at. */
void player_step(struct player *player);

/* Checks and frees all that the slots hold. Nobody else is at them. */
void player_clear(struct player *player);

#endif
