/* SPDX-License-Identifier: MIT */
/* collect.c: blocks that no root reaches are freed: a mark and sweep collection, as after a crash
 * that left a block allocated whose place nobody had stored.
 *
 * Two bitmaps over the heap's units, in memory of the process: where blocks in use start, and which of
 * them were reached; and a stack of those still to be looked at. Nothing is changed before all is
 * marked; then each block is freed by a change of its own. */
#include "mapped/mapped.h"

#include "os/vm.h"

#include <string.h>

#include "barrow/winerror.h"

struct marks {
    struct mapped *mapped;
    uint64_t *starts, *reached;
    uint64_t *stack, depth;
    size_t bitmap_bytes, stack_bytes;
};

static bool bit(const uint64_t *bits, uint64_t i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, uint64_t i)
{
    ASSERT(bits != NULL);
    bits[i / 64] |= (uint64_t)1 << i % 64;
}

/* ---- marking -------------------------------------------------------------------------------- */

/* The start of the block in use around the unit, or 0: the last start at or before it. */
static uint64_t block_around(const struct marks *marks, uint64_t unit)
{
    uint64_t word = unit / 64;
    uint64_t bits = marks->starts[word] & (~(uint64_t)0 >> (63 - unit % 64));
    while (bits == 0 && word != 0)
        bits = marks->starts[--word];
    if (bits == 0)
        return 0;
    uint64_t start = word * 64 + highest_bit(bits);
    const struct bounded *heap = marks->mapped->heap;
    return unit - start < fields_units(block_fields(heap, start)) ? start : 0;
}

static void reach(struct marks *marks, uintptr_t address)
{
    struct bounded *heap = marks->mapped->heap;
    uint64_t unit = (address - (uintptr_t)heap) / BOUNDED_UNIT;
    if (address < (uintptr_t)heap || !is_unit(heap, unit))
        return;
    uint64_t start = block_around(marks, unit);
    if (start == 0 || bit(marks->reached, start))
        return;
    set_bit(marks->reached, start);
    marks->stack[marks->depth++] = start;
}

static void visit(void *marks, const void *pointer)
{
    reach(marks, (uintptr_t)pointer);
}

/* An address, an offset in the file, or a distance from the word itself. */
static void look_at_word(struct marks *marks, const uint64_t *word)
{
    uintptr_t base = (uintptr_t)marks->mapped->base;
    reach(marks, *word);
    if (*word < marks->mapped->size)
        reach(marks, base + *word);
    reach(marks, (uintptr_t)word + *word);
}

static void look_at_block(struct marks *marks, uint64_t unit, void *handle, mapped_trace *trace,
                          void *context)
{
    struct bounded *heap = marks->mapped->heap;
    void *block = block_address(heap, unit);
    size_t size = bounded_block_size(heap, block);
    if (size == SIZE_MAX)
        return;
    if (trace != NULL) {
        trace(handle, block, size, visit, marks, context);
        return;
    }
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        look_at_word(marks, (const uint64_t *)block + i);
}

static void mark(struct marks *marks, void *handle, mapped_trace *trace, void *context)
{
    const struct mapped_root *roots = mapped_roots(marks->mapped);
    for (unsigned i = 0; i < MAPPED_ROOT_COUNT; i++)
        if (roots[i].name[0] != 0 && is_unit(marks->mapped->heap, roots[i].unit))
            reach(marks, (uintptr_t)block_address(marks->mapped->heap, roots[i].unit));
    while (marks->depth != 0)
        look_at_block(marks, marks->stack[--marks->depth], handle, trace, context);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static uint64_t next_block(const struct bounded *heap, uint64_t unit)
{
    uint64_t fields = block_fields(heap, unit), units = fields_units(fields);
    bool sound = fields_are_sound(fields) && block_fits(heap, unit, units);
    return sound ? unit + units : heap->frontier;
}

static void find_starts(struct marks *marks)
{
    const struct bounded *heap = marks->mapped->heap;
    for (uint64_t unit = heap->first; unit != heap->frontier; unit = next_block(heap, unit))
        if (bounded_is_block(heap, block_address(heap, unit)))
            set_bit(marks->starts, unit);
}

/* Blocks are joined as they are freed, so the starts lead on, not the headers. */
static uint64_t sweep(struct marks *marks)
{
    ASSERT(mapped_is_held(marks->mapped));
    const struct bounded *heap = marks->mapped->heap;
    uint64_t freed = 0;
    for (uint64_t unit = heap->first; unit < heap->frontier; unit++) {
        if (unit % 64 == 0 && marks->starts[unit / 64] == 0) {
            unit += 63;
            continue;
        }
        if (!bit(marks->starts, unit) || bit(marks->reached, unit))
            continue;
        mapped_take_back(marks->mapped, unit);
        freed++;
    }
    return freed;
}

static void *memory(size_t bytes)
{
    void *memory = os_reserve(bytes);
    if (memory == NULL || os_commit(memory, bytes))
        return memory;
    os_release(memory, bytes);
    return NULL;
}

static bool make(struct marks *marks, struct mapped *mapped)
{
    const struct bounded *heap = mapped->heap;
    *marks = (struct marks){ .mapped = mapped };
    marks->bitmap_bytes = round_up(heap->frontier / 8 + 8, os_page_size());
    marks->stack_bytes = round_up((heap->blocks + 1) * sizeof(uint64_t), os_page_size());
    marks->starts = memory(marks->bitmap_bytes);
    marks->reached = memory(marks->bitmap_bytes);
    marks->stack = memory(marks->stack_bytes);
    return marks->starts != NULL && marks->reached != NULL && marks->stack != NULL;
}

static void release(struct marks *marks)
{
    if (marks->starts != NULL)
        os_release(marks->starts, marks->bitmap_bytes);
    if (marks->reached != NULL)
        os_release(marks->reached, marks->bitmap_bytes);
    if (marks->stack != NULL)
        os_release(marks->stack, marks->stack_bytes);
}

static uint32_t collect(struct mapped *mapped, void *handle, mapped_trace *trace, void *context,
                        uint64_t *freed)
{
    ASSERT(mapped_is_held(mapped));
    struct marks marks;
    bool sound =
        bounded_validate(mapped->heap); /* the stack is made for as many blocks as it counts */
    bool made = sound && make(&marks, mapped);
    if (made) {
        find_starts(&marks);
        mark(&marks, handle, trace, context);
        *freed = sweep(&marks);
    }
    if (sound)
        release(&marks);
    return made ? 0 : sound ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_CORRUPT;
}

uint32_t mapped_collect(struct mapped *mapped, void *handle, mapped_trace *trace, void *context,
                        uint64_t *freed)
{
    if (!mapped_hold(mapped))
        return ERROR_ACCESS_DENIED;
    mapped_scavenge(mapped);
    uint32_t error = collect(mapped, handle, trace, context, freed);
    mapped_release(mapped);
    return error;
}
