/* SPDX-License-Identifier: MIT */
/* image.c: a loaded module's import slots, by way of its import descriptors. */
#include "redirect/image.h"

#include <stdbool.h>
#include <stdint.h>

static const IMAGE_NT_HEADERS *image_headers(const BYTE *base)
{
    const IMAGE_DOS_HEADER *dos = (const void *)base;
    if (dos->e_magic != IMAGE_DOS_SIGNATURE)
        return NULL;
    const IMAGE_NT_HEADERS *headers = (const void *)(base + dos->e_lfanew);
    bool is_ours = headers->Signature == IMAGE_NT_SIGNATURE &&
                   headers->OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR_MAGIC;
    return is_ours ? headers : NULL;
}

/* NULL if the module imports nothing. */
static const IMAGE_IMPORT_DESCRIPTOR *image_imports(const BYTE *base)
{
    const IMAGE_NT_HEADERS *headers = image_headers(base);
    if (!headers || headers->OptionalHeader.NumberOfRvaAndSizes <= IMAGE_DIRECTORY_ENTRY_IMPORT)
        return NULL;
    const IMAGE_DATA_DIRECTORY *directory =
        &headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    if (!directory->VirtualAddress || !directory->Size)
        return NULL;
    return (const void *)(base + directory->VirtualAddress);
}

/* The protection under which the page can be written, all else being as it is: other threads may be
 * reading it, or running code in it, right now. */
static DWORD writable(DWORD access)
{
    const DWORD executable =
        PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_WRITECOPY | PAGE_EXECUTE_READWRITE;
    return access & executable ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
}

static bool slot_store(void **slot, void *value)
{
    MEMORY_BASIC_INFORMATION page;
    DWORD before;
    if (!VirtualQuery(slot, &page, sizeof page) ||
        !VirtualProtect(slot, sizeof *slot, writable(page.Protect), &before))
        return false;
    InterlockedExchangePointer(slot, value);
    VirtualProtect(slot, sizeof *slot, before, &before);
    return true;
}

static size_t slots_map(void **slot, image_slot_map *map, void *context)
{
    size_t changed = 0;
    for (; *slot; slot++) {
        void *value = map(context, *slot);
        if (value != *slot && slot_store(slot, value))
            changed++;
    }
    return changed;
}

/* Until the loader has found the functions, a slot holds the same as the table of their names. */
static bool is_unbound(const BYTE *base, const IMAGE_IMPORT_DESCRIPTOR *import)
{
    const ULONGLONG *names = (const void *)(base + import->OriginalFirstThunk);
    const ULONGLONG *slots = (const void *)(base + import->FirstThunk);
    return import->OriginalFirstThunk && slots[0] && slots[0] == names[0];
}

enum image_state image_map_slots(HMODULE module, image_slot_map *map, void *context,
                                 size_t *changed)
{
    BYTE *base = (BYTE *)module;
    const IMAGE_IMPORT_DESCRIPTOR *import = image_imports(base);
    *changed = 0;
    for (; import && import->Name && import->FirstThunk; import++) {
        if (is_unbound(base, import))
            return IMAGE_UNBOUND;
        *changed += slots_map((void **)(base + import->FirstThunk), map, context);
    }
    return IMAGE_BOUND;
}
