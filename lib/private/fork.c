/* SPDX-License-Identifier: MIT */
/* The child of a fork: what threads were doing in private heaps that it does not have. */
#include "private/attach.h"
#include "private/large_blocks.h"
#include "private/lock.h"
#include "private/slots.h"

static void repair(struct private_heap *heap)
{
    lock_after_fork(heap);
    attach_after_fork(heap);
    large_blocks_repair(heap);
    if (heap->kind == HEAP_MAPPED)
        heap->backend->after_fork(heap);
    if (os_lock_is_held(&heap->facts_lock) && !os_lock_is_mine(&heap->facts_lock))
        os_lock_reset(&heap->facts_lock);
    atomic_store_explicit(&heap->pins, 0, memory_order_relaxed);
}

void private_after_fork(void)
{
    attach_begin_after_fork();
    slots_after_fork(repair);
}
