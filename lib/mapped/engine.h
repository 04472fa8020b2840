/* SPDX-License-Identifier: MIT */
/* engine.h: the journaled engine, for the files of this folder. */
#ifndef BARROW_MAPPED_ENGINE_H
#define BARROW_MAPPED_ENGINE_H

#define BOUNDED_JOURNALED 1
#include "private/bounded_index.h"

#endif
