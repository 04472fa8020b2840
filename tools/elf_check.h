/* SPDX-License-Identifier: MIT */
/* elf_check.h: what the headers of an ELF file tell about whether a library can be preloaded. */
#ifndef BARROW_TOOLS_ELF_CHECK_H
#define BARROW_TOOLS_ELF_CHECK_H

#include <stdbool.h>

struct elf_file {
    unsigned char class; /* ELFCLASS32 or ELFCLASS64 */
    unsigned char data;  /* ELFDATA2LSB or ELFDATA2MSB */
    unsigned type;       /* ET_EXEC, ET_DYN ... */
    unsigned machine;    /* EM_X86_64 ... */
    bool interpreted;    /* has PT_INTERP: the kernel starts it through the dynamic loader */
    bool dynamic;        /* has PT_DYNAMIC */
    bool pie;            /* PT_DYNAMIC says DF_1_PIE: a program, not a library or a loader */
    char interpreter[256];
};

/* Reads the headers. Returns false when the file is not ELF or its headers are cut short. */
bool elf_read(int fd, struct elf_file *file);

/* No loader is at work in it: no dynamic section, or a static PIE, which relocates itself. A loader
 * called by name (/lib64/ld-linux-x86-64.so.2 PROGRAM) is not static. */
bool elf_is_static(const struct elf_file *file);

bool elf_same_machine(const struct elf_file *one, const struct elf_file *other);

struct elf_machine {
    char text[40];
};

/* Such as "64-bit x86-64". */
struct elf_machine elf_machine_text(const struct elf_file *file);

#endif
