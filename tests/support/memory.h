/* SPDX-License-Identifier: MIT */
/* memory.h: what the system says of this process's memory. Nothing here allocates. */
#ifndef BARROW_TESTS_MEMORY_H
#define BARROW_TESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* Resident bytes (/proc/self/statm). */
size_t memory_resident(void);

/* What the heap holds of the system's memory: resident bytes as a rule; in a sanitizer's build,
 * where most of those are the sanitizer's, the heap's own figure. For tests that look for growth.
 */
size_t memory_used(void);

/* Waits until at most limit bytes are resident, for at most the time given.
 * Returns what is resident then. */
size_t memory_settles(size_t limit, unsigned milliseconds);

/* Bytes of private memory that may be written to, touched or not. */
size_t memory_writable(void);

/* Bytes of address space (VmSize). */
size_t memory_virtual(void);

size_t process_threads(void);

/* Lines of /proc/self/maps. */
size_t memory_mappings(void);

/* Whether /proc/self/maps has a line with this text. */
bool memory_maps_name(const char *text);

/* The time of a clock that only goes forward, in milliseconds. */
unsigned long long clock_milliseconds(void);

void sleep_milliseconds(unsigned milliseconds);

#ifdef __cplusplus
}
#endif

#endif
