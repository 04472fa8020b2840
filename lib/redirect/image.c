/* SPDX-License-Identifier: MIT */
/* image.c: a loaded module's import slots, by way of its import descriptors and its
 * delay-load descriptors. */
#include "redirect/image.h"

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

/* NULL if the module has no such directory. */
static const void *image_directory(const BYTE *base, unsigned index)
{
    const IMAGE_NT_HEADERS *headers = image_headers(base);
    if (!headers || headers->OptionalHeader.NumberOfRvaAndSizes <= index)
        return NULL;
    const IMAGE_DATA_DIRECTORY *directory = &headers->OptionalHeader.DataDirectory[index];
    return directory->VirtualAddress && directory->Size ? base + directory->VirtualAddress : NULL;
}

/* ---- slots -------------------------------------------------------------------------------- */

struct slots {
    const BYTE *base;
    DWORD dll, names, slots; /* distances from base; names may be 0 */
    bool delayed;
};

static const char *slot_name(const BYTE *base, ULONGLONG thunk)
{
    if (thunk & IMAGE_ORDINAL_FLAG64)
        return NULL;
    return (const char *)((const IMAGE_IMPORT_BY_NAME *)(const void *)(base + thunk))->Name;
}

static void slots_visit(const struct slots *import, image_visit *visit, void *context)
{
    void **at = (void **)(void *)(import->base + import->slots);
    const ULONGLONG *names = (const void *)(import->base + import->names);
    for (size_t i = 0; at[i]; i++) {
        struct image_slot slot = { .at = &at[i],
                                   .dll = (const char *)import->base + import->dll,
                                   .name = import->names ? slot_name(import->base, names[i]) : NULL,
                                   .delayed = import->delayed };
        visit(context, &slot);
    }
}

/* Until the loader has found the functions, a slot holds the same as the table of their names. */
static bool is_unbound(const BYTE *base, const IMAGE_IMPORT_DESCRIPTOR *import)
{
    const ULONGLONG *names = (const void *)(base + import->OriginalFirstThunk);
    const ULONGLONG *slots = (const void *)(base + import->FirstThunk);
    return import->OriginalFirstThunk && slots[0] && slots[0] == names[0];
}

static enum image_state visit_imports(const BYTE *base, image_visit *visit, void *context)
{
    const IMAGE_IMPORT_DESCRIPTOR *import = image_directory(base, IMAGE_DIRECTORY_ENTRY_IMPORT);
    for (; import && import->Name && import->FirstThunk; import++) {
        if (is_unbound(base, import))
            return IMAGE_UNBOUND;
        struct slots slots = { base, import->Name, import->OriginalFirstThunk, import->FirstThunk,
                               false };
        slots_visit(&slots, visit, context);
    }
    return IMAGE_BOUND;
}

/* Very old linkers wrote addresses where distances are now; such modules are 32-bit ones. */
static void visit_delayed(const BYTE *base, image_visit *visit, void *context)
{
    const IMAGE_DELAYLOAD_DESCRIPTOR *import =
        image_directory(base, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT);
    for (; import && import->DllNameRVA; import++) {
        struct slots slots = { base, import->DllNameRVA, import->ImportNameTableRVA,
                               import->ImportAddressTableRVA, true };
        if (import->Attributes.AllAttributes & 1 && import->ImportAddressTableRVA)
            slots_visit(&slots, visit, context);
    }
}

enum image_state image_visit_slots(HMODULE module, image_visit *visit, void *context)
{
    const BYTE *base = (const BYTE *)module;
    if (visit_imports(base, visit, context) == IMAGE_UNBOUND)
        return IMAGE_UNBOUND;
    visit_delayed(base, visit, context);
    return IMAGE_BOUND;
}

/* ---- changes ------------------------------------------------------------------------------ */

/* The protection under which the page can be written, all else being as it is: other threads may be
 * reading it, or running code in it, right now. */
static DWORD writable(DWORD access)
{
    const DWORD executable =
        PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_WRITECOPY | PAGE_EXECUTE_READWRITE;
    return access & executable ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE;
}

static bool slot_open(struct image_change *change)
{
    MEMORY_BASIC_INFORMATION page;
    return VirtualQuery(change->at, &page, sizeof page) &&
           VirtualProtect(change->at, sizeof *change->at, writable(page.Protect), &change->access);
}

/* In reverse order, since slots share pages: the first one's access is that of before. */
static void slots_close(struct image_change *changes, size_t count)
{
    DWORD unused;
    while (count-- > 0)
        VirtualProtect(changes[count].at, sizeof *changes->at, changes[count].access, &unused);
}

bool image_change_slots(struct image_change *changes, size_t count)
{
    size_t open = 0;
    while (open < count && slot_open(&changes[open]))
        open++;
    for (size_t i = 0; open == count && i < count; i++)
        if (!changes[i].later)
            InterlockedExchangePointer(changes[i].at, changes[i].value);
    slots_close(changes, open);
    return open == count;
}
