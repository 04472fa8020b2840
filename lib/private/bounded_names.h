/* SPDX-License-Identifier: MIT */
/* bounded_names.h: the bounded engine is compiled twice from the same sources. Plainly, for heaps in
 * this process's memory; and journaled (lib/mapped/engine_*.c define BOUNDED_JOURNALED), for heaps
 * in files, where each store can be undone and the functions have the names below. */
#ifndef BARROW_PRIVATE_BOUNDED_NAMES_H
#define BARROW_PRIVATE_BOUNDED_NAMES_H

#ifndef BOUNDED_JOURNALED
#define BOUNDED_JOURNALED 0
#endif

#if BOUNDED_JOURNALED
#define bounded_alloc_slow       journaled_alloc_slow
#define bounded_block_in_use     journaled_block_in_use
#define bounded_block_size       journaled_block_size
#define bounded_contains         journaled_contains
#define bounded_extent           journaled_extent
#define bounded_figures          journaled_figures
#define bounded_flush            journaled_flush
#define bounded_flush_below      journaled_flush_below
#define bounded_free_at_frontier journaled_free_at_frontier
#define bounded_free_slow        journaled_free_slow
#define bounded_grow             journaled_grow
#define bounded_is_block         journaled_is_block
#define bounded_make_free        journaled_make_free
#define bounded_move_start       journaled_move_start
#define bounded_quick_share      journaled_quick_share
#define bounded_quick_units      journaled_quick_units
#define bounded_realloc          journaled_realloc
#define bounded_release          journaled_release
#define bounded_set_frontier     journaled_set_frontier
#define bounded_set_key          journaled_set_key
#define bounded_set_limit        journaled_set_limit
#define bounded_take_off         journaled_take_off
#define bounded_format           journaled_format
#define bounded_least            journaled_least
#define bounded_trim             journaled_trim
#define bounded_validate         journaled_validate
#define bounded_walk             journaled_walk
#define bounded_whole_pages      journaled_whole_pages
#define index_find               journaled_find
#define index_find_aligned       journaled_find_aligned
#define index_fits               journaled_fits
#define index_free_block         journaled_free_block
#define index_free_fields        journaled_free_fields
#define index_note_hope          journaled_note_hope
#endif

#endif
