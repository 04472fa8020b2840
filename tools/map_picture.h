/* SPDX-License-Identifier: MIT */
/* map_picture.h: what barrow-picture.so has, if it was built. */
#ifndef BARROW_TOOLS_MAP_PICTURE_H
#define BARROW_TOOLS_MAP_PICTURE_H

#include <stdbool.h>

/* Draws the last snapshot into a file of that name, as a PNG or SVG. False after a message. */
bool map_picture(const char *path, bool png, const char *snapshots);

#endif
