/* SPDX-License-Identifier: MIT */
/* json.h: strings as JSON (RFC 8259) and as OpenMetrics' labels have them. */
#ifndef BARROW_TOOLS_JSON_H
#define BARROW_TOOLS_JSON_H

#include "barrow/barrow.h"

#include <stdio.h>

/* In quotes. What is not UTF-8 is written as '?', so that every reader takes the whole. */
void json_string(FILE *out, const char *text);

/* The fields of the account by their names: each as `name` and value, by `each`. */
void stats_fields(const struct barrow_stats *stats,
                  void (*each)(const char *name, uint64_t value, void *context), void *context);

#endif
