/* SPDX-License-Identifier: MIT */
/* process_list.h: the processes of the system. */
#ifndef BARROW_TOOLS_PROCESS_LIST_H
#define BARROW_TOOLS_PROCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The decimal number of a process, and nothing else. */
bool parse_pid(const char *text, pid_t *pid);

/* All that can be seen in /proc, in order of their numbers; free() them. NULL when there is no memory. */
pid_t *process_list(size_t *count);

/* Resident memory in bytes, and the most that it was; false when the process is gone. */
bool process_resident(pid_t pid, uint64_t *resident, uint64_t *peak);

/* Whether there is such a process, and not only its status for a parent that has not asked for it. */
bool process_is_alive(pid_t pid);

#endif
