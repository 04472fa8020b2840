/* SPDX-License-Identifier: MIT */
/* sampled_report.h: what is known of a sampled block, and the reports with its stacks. */
#ifndef BARROW_HEAP_SAMPLED_REPORT_H
#define BARROW_HEAP_SAMPLED_REPORT_H

#include "os/stack.h"

#include <stdatomic.h>

enum { TRACE_MOST = 24 };

struct trace {
    int thread;
    uint32_t count;
    uintptr_t addresses[TRACE_MOST];
};

enum sampled_state { SAMPLED_NEVER, SAMPLED_LIVE, SAMPLED_FREED };

struct sampled_place {
    _Atomic enum sampled_state state;
    void *block; /* the last one here; NULL: none yet */
    size_t size;
    struct trace allocated, freed;
};

void sampled_trace(struct trace *trace); /* of the calling thread */

/* Each says what is wrong in one line, then whose block it is, and ends the process. */
_Noreturn void sampled_report_fault(const struct sampled_place *place, const void *address);
_Noreturn void sampled_report_call(const struct sampled_place *place, const void *address,
                                   const char *call);
_Noreturn void sampled_report_guard(const struct sampled_place *place, const unsigned char *at,
                                    const char *call);

#endif
