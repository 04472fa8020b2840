/* SPDX-License-Identifier: MIT */
#include "heap/sampled_report.h"

#include "diag/message.h"
#include "os/process.h"

void sampled_trace(struct trace *trace)
{
    trace->thread = os_thread_id();
    trace->count = (uint32_t)os_stack(trace->addresses, TRACE_MOST);
}

static void show(const struct trace *trace, const char *what)
{
    char text[200];
    if (trace->thread == 0)
        return; /* it has not happened */
    message("  %s by thread %d:", what, trace->thread);
    for (uint32_t i = 0; i < trace->count; i++) {
        os_stack_name(trace->addresses[i], text, sizeof text);
        message("    #%u %s", i, text);
    }
}

static _Noreturn void show_and_end(const struct sampled_place *place, const char *what)
{
    struct trace now;
    sampled_trace(&now);
    show(&now, what);
    show(&place->allocated, "allocated");
    show(&place->freed, "freed");
    os_abort();
}

void sampled_report_fault(const struct sampled_place *place, const void *address)
{
    const char *at = address, *block = place->block, *end = block + place->size;
    const char *freed = place->freed.thread != 0 ? ", freed already (use after free)" : "";
    if (block == NULL)
        message("access to %p: between the guard pages of sampled blocks", address);
    else if (at >= end)
        message("access to %p: %zu bytes behind the block of %zu bytes at %p%s", address,
                (size_t)(at - end), place->size, place->block,
                *freed != '\0' ? freed : " (overrun)");
    else if (at < block)
        message("access to %p: %zu bytes before the block of %zu bytes at %p%s", address,
                (size_t)(block - at), place->size, place->block,
                *freed != '\0' ? freed : " (underrun)");
    else
        message("access to %p: byte %zu of the block of %zu bytes at %p%s", address,
                (size_t)(at - block), place->size, place->block, freed);
    show_and_end(place, "accessed");
}

void sampled_report_call(const struct sampled_place *place, const void *address, const char *call)
{
    enum sampled_state state = atomic_load_explicit(&place->state, memory_order_acquire);
    const char *block = place->block, *at = address;
    if (block == NULL || at < block || at >= block + place->size + (place->size == 0))
        message("%s(%p): not a block of this heap: foreign or wild pointer", call, address);
    else if (at == block)
        message("%s(%p): block of %zu bytes is free already (double free)", call, address,
                place->size);
    else
        message("%s(%p): pointer is inside a block of %zu bytes that starts at %p%s", call, address,
                place->size, place->block, state == SAMPLED_LIVE ? "" : " and is free already");
    show_and_end(place, "called");
}

void sampled_report_guard(const struct sampled_place *place, const unsigned char *at,
                          const char *call)
{
    const unsigned char *block = place->block;
    if (at >= block)
        message("%s: block of %zu bytes at %p was written to behind its end, at byte %zu: 0x%02x "
                "(overrun)",
                call, place->size, place->block, (size_t)(at - block), *at);
    else
        message("%s: block of %zu bytes at %p was written to before its start, at byte -%zu: "
                "0x%02x (underrun)",
                call, place->size, place->block, (size_t)(block - at), *at);
    show_and_end(place, "found");
}
