/* SPDX-License-Identifier: MIT */
/* meta.h: what fork.c asks of meta.c; all others call region_meta (region.h). */
#ifndef BARROW_REGION_META_H
#define BARROW_REGION_META_H

void meta_after_fork(void);

#endif
