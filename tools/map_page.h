/* SPDX-License-Identifier: MIT */
/* map_page.h: snapshots (snapshot.h) as a page. */
#ifndef BARROW_TOOLS_MAP_PAGE_H
#define BARROW_TOOLS_MAP_PAGE_H

#include <stddef.h>
#include <stdio.h>

/* One HTML page, which needs nothing else. */
void map_page(FILE *out, const char *snapshots, size_t length);

#endif
