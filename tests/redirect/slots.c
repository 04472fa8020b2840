/* SPDX-License-Identifier: MIT */
/* slots.c: import slots that others have changed before, or that cannot be changed.
 *
 *     slots BARROW.DLL PLUG-IN.DLL
 *
 * Application Verifier, compatibility shims and endpoint protection put functions of their own into
 * slots. This program does that to itself, loads barrow.dll, and sees its heap functions taken all
 * the same. Then it forbids barrow.dll to change pages of a plug-in, which must be left alone as a
 * whole. */
#include "barrow_dll.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static const char *library, *plug_in;
static HANDLE heap;

/* ---- slots ---------------------------------------------------------------------------------- */

static const IMAGE_IMPORT_DESCRIPTOR *imports_of(const BYTE *base)
{
    const IMAGE_NT_HEADERS *headers =
        (const void *)(base + ((const IMAGE_DOS_HEADER *)(const void *)base)->e_lfanew);
    return (const void *)(base + headers->OptionalHeader.DataDirectory[1].VirtualAddress);
}

/* The module's slot for a function, by its name. */
static void **slot_of(HMODULE module, const char *function)
{
    BYTE *base = (BYTE *)module;
    for (const IMAGE_IMPORT_DESCRIPTOR *import = imports_of(base); import->Name; import++) {
        const ULONGLONG *names = (const void *)(base + import->OriginalFirstThunk);
        for (size_t i = 0; names[i]; i++)
            if (!(names[i] & IMAGE_ORDINAL_FLAG64) &&
                strcmp((const char *)base + names[i] + sizeof(WORD), function) == 0)
                return (void **)(void *)(base + import->FirstThunk) + i;
    }
    fail_msg("no slot for %s", function);
    return NULL;
}

static void *put(void **slot, void *value)
{
    DWORD access;
    void *before = *slot;
    VirtualProtect(slot, sizeof *slot, PAGE_READWRITE, &access);
    *slot = value;
    VirtualProtect(slot, sizeof *slot, access, &access);
    return before;
}

/* ---- changed by others ---------------------------------------------------------------------- */

static BOOL(WINAPI *real_free)(HANDLE, DWORD, void *);
static SIZE_T(WINAPI *real_size)(HANDLE, DWORD, const void *);
static int seen;

static BOOL WINAPI verifier_free(HANDLE where, DWORD flags, void *block)
{
    seen++;
    return real_free(where, flags, block);
}

static SIZE_T WINAPI verifier_size(HANDLE where, DWORD flags, const void *block)
{
    seen++;
    return real_size(where, flags, block);
}

/* A slot of a delay-loaded import that was bound before. The program has no such directory, so one
 * is made up. */
static struct {
    IMAGE_DELAYLOAD_DESCRIPTOR descriptor[2];
    void *slots[2];
    ULONGLONG names[2];
    struct {
        WORD hint;
        char name[16];
    } name;
    char dll[16];
} delayed = { .name.name = "HeapFree", .dll = "kernel32.dll" };

static DWORD distance_to(const void *place)
{
    return (DWORD)((const BYTE *)place - (const BYTE *)GetModuleHandleA(NULL));
}

static void make_delayed(void)
{
    BYTE *base = (BYTE *)GetModuleHandleA(NULL);
    IMAGE_NT_HEADERS *headers =
        (void *)(base + ((const IMAGE_DOS_HEADER *)(const void *)base)->e_lfanew);
    DWORD access;
    VirtualProtect(headers, sizeof *headers, PAGE_READWRITE, &access);
    headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT] =
        (IMAGE_DATA_DIRECTORY){ distance_to(&delayed), sizeof delayed.descriptor };
    VirtualProtect(headers, sizeof *headers, access, &access);
    delayed.descriptor[0].Attributes.AllAttributes = 1;
    delayed.descriptor[0].DllNameRVA = distance_to(delayed.dll);
    delayed.descriptor[0].ImportAddressTableRVA = distance_to(delayed.slots);
    delayed.descriptor[0].ImportNameTableRVA = distance_to(delayed.names);
    delayed.names[0] = distance_to(&delayed.name);
    delayed.slots[0] = (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "HeapFree");
}

static void the_library_comes(void **state)
{
    (void)state;
    HMODULE self = GetModuleHandleA(NULL);
    void *old = HeapAlloc(heap, 0, 100);
    real_free = HeapFree;
    real_size = HeapSize;
    put(slot_of(self, "HeapFree"), (void *)verifier_free);
    put(slot_of(self, "HeapSize"), (void *)verifier_size);
    make_delayed();
    void *bound = delayed.slots[0];
    assert_int_equal(HeapSize(heap, 0, old), 100);
    assert_int_equal(seen, 1);
    assert_non_null(LoadLibraryA(library));
    assert_ptr_not_equal(*slot_of(self, "HeapFree"), (void *)verifier_free);
    assert_ptr_not_equal(*slot_of(self, "HeapSize"), (void *)verifier_size);
    assert_ptr_not_equal(delayed.slots[0], bound);
    assert_int_equal(HeapSize(heap, 0, old), 100);
    assert_true(HeapFree(heap, 0, old));
}

static void changed_slots_are_taken(void **state)
{
    (void)state;
    void *block = HeapAlloc(heap, 0, 100);
    assert_true(owns(block));
    assert_int_equal(HeapSize(heap, 0, block), 100);
    assert_true(HeapFree(heap, 0, block));
}

static void bound_delayed_slots_are_taken(void **state)
{
    (void)state;
    BOOL(WINAPI * release)
    (HANDLE, DWORD, void *) = (BOOL(WINAPI *)(HANDLE, DWORD, void *))delayed.slots[0];
    assert_true(release(heap, 0, HeapAlloc(heap, 0, 100)));
    assert_true(release(heap, 0, LocalAlloc(LMEM_FIXED, 100)));
}

/* ---- out of reach --------------------------------------------------------------------------- */

static BOOL(WINAPI *real_protect)(void *, SIZE_T, DWORD, DWORD *);
static int allowed; /* changes of the plug-in's pages, before the first that fails */

static bool in_plug_in(const void *address)
{
    char path[MAX_PATH];
    MEMORY_BASIC_INFORMATION range;
    return VirtualQuery(address, &range, sizeof range) && range.Type == MEM_IMAGE &&
           GetModuleFileNameA(range.AllocationBase, path, MAX_PATH) &&
           strstr(path, "redirect_crossing_module");
}

static BOOL WINAPI forbid(void *address, SIZE_T size, DWORD access, DWORD *before)
{
    if (!in_plug_in(address) || allowed-- > 0)
        return real_protect(address, size, access, before);
    SetLastError(ERROR_ACCESS_DENIED);
    return FALSE;
}

static void check_left_alone(void)
{
    uint64_t before = figures().left_alone;
    HMODULE module = LoadLibraryA(plug_in);
    assert_non_null(module);
    assert_int_equal(figures().left_alone, before + 1);
    BOOL (*give_back)(void *) = (BOOL(*)(void *))(void *)GetProcAddress(module, "give_back");
    SIZE_T (*size)(void *) = (SIZE_T(*)(void *))(void *)GetProcAddress(module, "size_of");
    void *(*take)(SIZE_T) = (void *(*)(SIZE_T))(void *)GetProcAddress(module, "take");
    void *block = take(300);
    assert_false(owns(block));
    assert_int_equal(size(block), 300);
    assert_true(give_back(block));
    block = take(300);
    assert_true(HeapFree(heap, 0, block));
    FreeLibrary(module);
}

/* At the first of its slots, and when some of them have been opened already. */
static void a_module_is_left_alone_as_a_whole(void **state)
{
    (void)state;
    void **slot = slot_of(GetModuleHandleA("barrow.dll"), "VirtualProtect");
    real_protect = (BOOL(WINAPI *)(void *, SIZE_T, DWORD, DWORD *)) * slot;
    put(slot, (void *)forbid);
    for (int i = 0; i < 3; i++) {
        allowed = i;
        check_left_alone();
    }
    put(slot, (void *)real_protect);
}

static void it_is_taken_when_it_can_be(void **state)
{
    (void)state;
    HMODULE module = LoadLibraryA(plug_in);
    void *(*take)(SIZE_T) = (void *(*)(SIZE_T))(void *)GetProcAddress(module, "take");
    void *block = take(300);
    assert_true(owns(block));
    assert_true(HeapFree(heap, 0, block));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_comes),
        cmocka_unit_test(changed_slots_are_taken),
        cmocka_unit_test(bound_delayed_slots_are_taken),
        cmocka_unit_test(a_module_is_left_alone_as_a_whole),
        cmocka_unit_test(it_is_taken_when_it_can_be),
    };
    if (argc != 3)
        return 1;
    library = argv[1];
    plug_in = argv[2];
    heap = GetProcessHeap();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
