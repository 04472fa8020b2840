/* SPDX-License-Identifier: MIT */
/* free_unlocked.h: frees that the inline path of heap_free leaves, and most of which need no lock
 * yet, nor any theap but the thread's own: of blocks in long classes' slabs, and of other threads'
 * blocks. */
#ifndef BARROW_HEAP_FREE_UNLOCKED_H
#define BARROW_HEAP_FREE_UNLOCKED_H

/* Any address. `call` names the function that the program called. */
void heap_free_slow(void *address, const char *call);

#endif
