/* SPDX-License-Identifier: MIT */
/* pe_file.h: a program's file in memory, and an import added to it or taken away again. */
#ifndef BARROW_TOOLS_WINDOWS_PE_FILE_H
#define BARROW_TOOLS_WINDOWS_PE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>
#include <windows.h>

struct pe_file {
    BYTE *bytes;
    size_t size;
    IMAGE_NT_HEADERS64 *headers;
    IMAGE_SECTION_HEADER *sections;
};

/* All return NULL, or why not. */

/* The program has been checked to be a 64-bit one; the rest of it may still be damaged. */
const wchar_t *pe_file_read(struct pe_file *file, const wchar_t *path);
const wchar_t *pe_file_write(const struct pe_file *file, const wchar_t *path);

/* Adds a section with an import table that names dll first. What it replaces is kept in there. */
const wchar_t *pe_file_add_import(struct pe_file *file, const char *dll);

/* Makes the file what it was before, byte for byte. */
const wchar_t *pe_file_remove_import(struct pe_file *file);

/* What may be wrong with a copy that has been changed, or NULL. */
const wchar_t *pe_file_doubt(const struct pe_file *file);

void pe_file_close(struct pe_file *file);

#endif
