/* SPDX-License-Identifier: MIT */
/* stats.h: the forms in which barrow stats shows a heap. */
#ifndef BARROW_TOOLS_STATS_H
#define BARROW_TOOLS_STATS_H

#include "heap_view.h"

#include <stdio.h>

void stats_text(FILE *out, const struct view *view);

/* One object (RFC 8259). */
void stats_json(FILE *out, const struct view *view);

/* OpenMetrics 1.0: a text that Prometheus and others collect, of one or more processes. */
void stats_openmetrics(FILE *out, const struct view *views, size_t count);

#endif
