/* SPDX-License-Identifier: MIT */
/* loader.c: whether code is the dynamic loader's. glibc: the loader's base address is in the auxiliary vector
 * (AT_BASE) and its length in its program headers; both are read once. Any thread may call; no lock. */
#include "os/process.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <sys/auxv.h>

#ifdef __GLIBC__

/* Where the loader's image ends, by its own headers. */
static uintptr_t end_of(uintptr_t base)
{
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)base;
    const ElfW(Phdr) *part = (const ElfW(Phdr) *)(base + file->e_phoff);
    uintptr_t end = base;
    for (unsigned i = 0; i < file->e_phnum; i++)
        if (part[i].p_type == PT_LOAD && base + part[i].p_vaddr + part[i].p_memsz > end)
            end = base + part[i].p_vaddr + part[i].p_memsz;
    return end;
}

/* A static program has none: the base is 0. */
bool os_is_loader(const void *code)
{
    static _Atomic uintptr_t loader_end;
    uintptr_t base = getauxval(AT_BASE),
              end = atomic_load_explicit(&loader_end, memory_order_relaxed);
    if (base == 0)
        return false;
    if (end == 0) {
        end = end_of(base);
        atomic_store_explicit(&loader_end, end, memory_order_relaxed);
    }
    return (uintptr_t)code - base < end - base;
}

#else

/* musl's loader is its C library. */
bool os_is_loader(const void *code)
{
    (void)code;
    return false;
}

#endif
