/* SPDX-License-Identifier: MIT */
/* host_program.h: the running program and thread as the kernel knows them. */
#ifndef BARROW_WIN32_HOST_HOST_PROGRAM_H
#define BARROW_WIN32_HOST_HOST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t host_thread(void);
/* The address of the program's first loaded segment. */
uintptr_t host_program_base(void);
/* 0 or an errno value. */
int host_program_path(char *path, size_t capacity);
/* Writes all of it to standard error; leaves errno alone. */
void host_write_error(const char *text, size_t bytes);
bool host_is_traced(void);
void host_break(void);

#endif
