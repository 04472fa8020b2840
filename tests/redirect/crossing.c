/* SPDX-License-Identifier: MIT */
/* crossing.c: a block that one way of calling the heap gave reaches another way: functions found at
 * run time, ntdll's own, a module that the loader does not know. Wherever Windows' heap would see
 * it, the block must have come from there. Run by barrow run. */
#include "barrow_dll.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <winternl.h>

typedef SIZE_T WINAPI heap_size(HANDLE, DWORD, const void *);
typedef void *WINAPI heap_alloc(HANDLE, DWORD, SIZE_T);
typedef void *WINAPI heap_realloc(HANDLE, DWORD, void *, SIZE_T);
typedef BOOL WINAPI heap_free(HANDLE, DWORD, void *);
typedef FARPROC WINAPI get_address(HMODULE, const char *);
typedef NTSTATUS NTAPI ldr_get(HMODULE, const ANSI_STRING *, ULONG, void **);

static HMODULE kernel, base, ntdll;
static HANDLE heap;

static int set_up(void **state)
{
    (void)state;
    kernel = GetModuleHandleA("kernel32.dll");
    base = GetModuleHandleA("kernelbase.dll");
    ntdll = GetModuleHandleA("ntdll.dll");
    heap = GetProcessHeap();
    return owns(HeapAlloc(heap, 0, 1)) ? 0 : -1;
}

/* All that can be done with a block, by functions of that kind. */
static void cross(heap_size *size, heap_realloc *resize, heap_free *release)
{
    assert_non_null(size);
    assert_non_null(resize);
    assert_non_null(release);
    static const SIZE_T sizes[] = { 0, 1, 100, 5000, 70000, 3 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *block = HeapAlloc(heap, HEAP_ZERO_MEMORY, sizes[i]);
        assert_true(owns(block));
        assert_int_equal(size(heap, 0, block), sizes[i]);
        block = resize(heap, HEAP_ZERO_MEMORY, block, sizes[i] + 999);
        assert_non_null(block);
        assert_int_equal(block[sizes[i] + 998], 0);
        assert_int_equal(HeapSize(heap, 0, block), sizes[i] + 999);
        assert_true(release(heap, 0, block));
    }
}

/* ---- found at run time -------------------------------------------------------------------- */

static void found_by(get_address *get, HMODULE module, const char *size, const char *resize,
                     const char *release)
{
    cross((heap_size *)(void *)get(module, size), (heap_realloc *)(void *)get(module, resize),
          (heap_free *)(void *)get(module, release));
}

static void by_get_proc_address(void **state)
{
    (void)state;
    found_by(GetProcAddress, kernel, "HeapSize", "HeapReAlloc", "HeapFree");
    if (base)
        found_by(GetProcAddress, base, "HeapSize", "HeapReAlloc", "HeapFree");
    found_by(GetProcAddress, ntdll, "RtlSizeHeap", "RtlReAllocateHeap", "RtlFreeHeap");
}

/* As a packer's stub starts: it imports GetProcAddress alone, and finds even that again. */
static void by_a_found_get_proc_address(void **state)
{
    (void)state;
    get_address *get = (get_address *)(void *)GetProcAddress(kernel, "GetProcAddress");
    found_by(get, kernel, "HeapSize", "HeapReAlloc", "HeapFree");
    get = base ? (get_address *)(void *)GetProcAddress(base, "GetProcAddress") : get;
    found_by(get, ntdll, "RtlSizeHeap", "RtlReAllocateHeap", "RtlFreeHeap");
}

static const IMAGE_EXPORT_DIRECTORY *exports_of(HMODULE module)
{
    const BYTE *at = (const BYTE *)module;
    const IMAGE_NT_HEADERS *headers =
        (const void *)(at + ((const IMAGE_DOS_HEADER *)(const void *)at)->e_lfanew);
    return (const void *)(at + headers->OptionalHeader.DataDirectory[0].VirtualAddress);
}

static const char *ordinal_of(HMODULE module, const char *name)
{
    const BYTE *at = (const BYTE *)module;
    const IMAGE_EXPORT_DIRECTORY *exports = exports_of(module);
    const DWORD *names = (const void *)(at + exports->AddressOfNames);
    const WORD *places = (const void *)(at + exports->AddressOfNameOrdinals);
    for (DWORD i = 0; i < exports->NumberOfNames; i++)
        if (strcmp((const char *)at + names[i], name) == 0)
            return MAKEINTRESOURCEA(exports->Base + places[i]);
    fail_msg("%s has no ordinal", name);
    return NULL;
}

static void by_ordinal(void **state)
{
    (void)state;
    found_by(GetProcAddress, ntdll, ordinal_of(ntdll, "RtlSizeHeap"),
             ordinal_of(ntdll, "RtlReAllocateHeap"), ordinal_of(ntdll, "RtlFreeHeap"));
    found_by(GetProcAddress, kernel, ordinal_of(kernel, "HeapSize"),
             ordinal_of(kernel, "HeapReAlloc"), ordinal_of(kernel, "HeapFree"));
}

static ldr_get *ldr;

static FARPROC WINAPI get_by_ldr(HMODULE module, const char *name)
{
    ANSI_STRING string = { (USHORT)strlen(name), (USHORT)strlen(name), (char *)name };
    void *found = NULL;
    assert_int_equal(ldr(module, &string, 0, &found), 0);
    return (FARPROC)found;
}

static void by_ntdlls_own(void **state)
{
    (void)state;
    ldr = (ldr_get *)(void *)GetProcAddress(ntdll, "LdrGetProcedureAddress");
    found_by(get_by_ldr, ntdll, "RtlSizeHeap", "RtlReAllocateHeap", "RtlFreeHeap");
    found_by(get_by_ldr, kernel, "HeapSize", "HeapReAlloc", "HeapFree");
}

static void what_gives_is_found_too(void **state)
{
    (void)state;
    heap_alloc *give = (heap_alloc *)(void *)GetProcAddress(kernel, "HeapAlloc");
    void *block = give(heap, 0, 100);
    assert_true(owns(block));
    assert_true(HeapFree(heap, 0, block));
    give = (heap_alloc *)(void *)GetProcAddress(ntdll, "RtlAllocateHeap");
    block = give(heap, 0, 100);
    assert_true(owns(block));
    assert_true(HeapFree(heap, 0, block));
}

static void a_found_function_is_the_imported_one(void **state)
{
    (void)state;
    assert_ptr_equal((void *)GetProcAddress(kernel, "HeapFree"), (void *)HeapFree);
    assert_ptr_equal((void *)GetProcAddress(kernel, "GetProcAddress"), (void *)GetProcAddress);
}

static void other_functions_are_found_as_they_are(void **state)
{
    (void)state;
    assert_ptr_equal((void *)GetProcAddress(kernel, "Sleep"), (void *)Sleep);
    SetLastError(0);
    assert_null(GetProcAddress(kernel, "no such function"));
    assert_int_equal(GetLastError(), ERROR_PROC_NOT_FOUND);
}

/* ---- delay-loaded ------------------------------------------------------------------------- */

/* The module's HeapFree and HeapSize are found at their first call, by code inside the module. */
static void by_a_delayed_import(void **state)
{
    (void)state;
    HMODULE module = LoadLibraryA(CROSSING_DELAYED);
    assert_non_null(module);
    BOOL (*give_back)(void *) = (BOOL(*)(void *))(void *)GetProcAddress(module, "give_back");
    SIZE_T (*size)(void *) = (SIZE_T(*)(void *))(void *)GetProcAddress(module, "size_of");
    void *block = HeapAlloc(heap, 0, 400);
    assert_true(owns(block));
    assert_int_equal(size(block), 400);
    assert_true(give_back(block));
}

/* For the resolver that Windows 8 and later have. All places are distances from this program. */
static struct {
    IMAGE_DELAYLOAD_DESCRIPTOR descriptor;
    HMODULE module;
    ULONGLONG slots[2], names[2];
    struct {
        WORD hint;
        char name[16];
    } name;
    char dll[16];
} delayed = { .name.name = "HeapSize", .dll = "kernel32.dll" };

typedef void *WINAPI resolve(void *, const IMAGE_DELAYLOAD_DESCRIPTOR *, void *, void *, void *,
                             ULONG);

static DWORD distance_to(const void *place)
{
    return (DWORD)((const BYTE *)place - (const BYTE *)GetModuleHandleA(NULL));
}

static void by_the_systems_resolver(void **state)
{
    (void)state;
    resolve *call = (resolve *)(void *)GetProcAddress(kernel, "ResolveDelayLoadedAPI");
    if (!call)
        call = (resolve *)(void *)GetProcAddress(ntdll, "LdrResolveDelayLoadedAPI");
    assert_non_null(call);
    delayed.names[0] = distance_to(&delayed.name);
    delayed.descriptor.Attributes.AllAttributes = 1;
    delayed.descriptor.DllNameRVA = distance_to(delayed.dll);
    delayed.descriptor.ModuleHandleRVA = distance_to(&delayed.module);
    delayed.descriptor.ImportAddressTableRVA = distance_to(delayed.slots);
    delayed.descriptor.ImportNameTableRVA = distance_to(delayed.names);
    void *found =
        call(GetModuleHandleA(NULL), &delayed.descriptor, NULL, NULL, &delayed.slots[0], 0);
    assert_ptr_equal((void *)(uintptr_t)delayed.slots[0], found);
    void *block = HeapAlloc(heap, 0, 100);
    assert_true(owns(block));
    assert_int_equal(((heap_size *)found)(heap, 0, block), 100);
    assert_true(HeapFree(heap, 0, block));
}

/* ---- inside the system -------------------------------------------------------------------- */

static void strings_of_ntdll(void **state)
{
    (void)state;
    static const char *const names[] = { "RtlFreeUnicodeString", "RtlFreeAnsiString",
                                         "RtlFreeOemString" };
    for (int i = 0; i < 3; i++) {
        void(NTAPI * release)(ANSI_STRING *) =
            (void(NTAPI *)(ANSI_STRING *))(void *)GetProcAddress(ntdll, names[i]);
        ANSI_STRING string = { 2, 100, HeapAlloc(heap, 0, 100) };
        assert_true(owns(string.Buffer));
        uint64_t before = figures().freed;
        release(&string);
        assert_null(string.Buffer);
        assert_int_equal(figures().freed, before + 1);
    }
}

static void imported_string_functions(void **state)
{
    (void)state;
    UNICODE_STRING string = { 2, 100, HeapAlloc(heap, 0, 100) };
    uint64_t before = figures().freed;
    RtlFreeUnicodeString(&string);
    assert_int_equal(figures().freed, before + 1);
    BOOLEAN(NTAPI * make)
    (UNICODE_STRING *, const char *) = (BOOLEAN(NTAPI *)(UNICODE_STRING *, const char *))(
        void *)GetProcAddress(ntdll, "RtlCreateUnicodeStringFromAsciiz");
    assert_true(make(&string, "ntdll's own"));
    assert_false(owns(string.Buffer));
    RtlFreeUnicodeString(&string);
    assert_true(make(&string, "ntdll's, freed here"));
    assert_true(HeapFree(heap, 0, string.Buffer));
}

static void security_identifiers(void **state)
{
    (void)state;
    uint64_t before = figures().freed;
    assert_null(FreeSid(HeapAlloc(heap, 0, 64)));
    assert_int_equal(figures().freed, before + 1);
    SID_IDENTIFIER_AUTHORITY world = SECURITY_WORLD_SID_AUTHORITY;
    void *sid = NULL;
    assert_true(AllocateAndInitializeSid(&world, 1, 0, 0, 0, 0, 0, 0, 0, 0, &sid));
    assert_true(HeapFree(heap, 0, sid));
}

static void many_at_once(void **state)
{
    (void)state;
    ULONG(NTAPI * release)
    (HANDLE, ULONG, ULONG, void **) = (ULONG(NTAPI *)(HANDLE, ULONG, ULONG, void **))(
        void *)GetProcAddress(ntdll, "RtlMultipleFreeHeap");
    if (!release) {
        printf("this ntdll has no RtlMultipleFreeHeap: not tested\n");
        return;
    }
    void *blocks[4] = { HeapAlloc(heap, 0, 10), LocalAlloc(LMEM_FIXED, 10), HeapAlloc(heap, 0, 20),
                        LocalAlloc(LMEM_FIXED, 20) };
    assert_int_equal(release(heap, 0, 4, blocks), 4);
}

static void local_and_global_memory(void **state)
{
    (void)state;
    void *block = HeapAlloc(heap, 0, 100);
    assert_int_equal(LocalSize(block), 100);
    assert_int_equal(LocalFlags(block), 0);
    assert_ptr_equal(LocalLock(block), block);
    block = LocalReAlloc(block, 5000, LMEM_MOVEABLE);
    assert_non_null(block);
    assert_null(LocalFree(block));
    block = HeapAlloc(heap, 0, 100);
    assert_int_equal(GlobalSize(block), 100);
    block = GlobalReAlloc(block, 5000, GMEM_MOVEABLE);
    assert_non_null(block);
    assert_null(GlobalFree(block));
    block = LocalAlloc(LMEM_FIXED, 100);
    assert_false(owns(block));
    assert_true(HeapFree(heap, 0, block));
}

static void what_the_system_returns(void **state)
{
    (void)state;
    char *text = NULL;
    assert_true(FormatMessageA(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
                                   FORMAT_MESSAGE_IGNORE_INSERTS,
                               NULL, 2, 0, (char *)&text, 0, NULL) > 0);
    assert_int_equal(HeapValidate(heap, 0, text), 1);
    assert_true(HeapFree(heap, 0, text));
    wchar_t *environment = GetEnvironmentStringsW();
    assert_true(FreeEnvironmentStringsW(environment));
}

/* ---- a module that the loader does not know ----------------------------------------------- */

static BYTE *read_module(const char *name)
{
    static BYTE file[1 << 20];
    DWORD size = 0;
    HANDLE handle = CreateFileA(name, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    assert_true(handle != INVALID_HANDLE_VALUE);
    assert_true(ReadFile(handle, file, sizeof file, &size, NULL));
    assert_true(size < sizeof file);
    CloseHandle(handle);
    return file;
}

static void relocate(BYTE *image, const IMAGE_NT_HEADERS *headers)
{
    const IMAGE_DATA_DIRECTORY *directory = &headers->OptionalHeader.DataDirectory[5];
    ULONGLONG by = (ULONGLONG)(uintptr_t)image - headers->OptionalHeader.ImageBase;
    const BYTE *at = image + directory->VirtualAddress, *end = at + directory->Size;
    while (directory->VirtualAddress && at < end) {
        const IMAGE_BASE_RELOCATION *page = (const void *)at;
        const WORD *entry = (const WORD *)(page + 1);
        size_t count = (page->SizeOfBlock - sizeof *page) / sizeof *entry;
        for (size_t i = 0; i < count; i++)
            if (entry[i] >> 12 == IMAGE_REL_BASED_DIR64)
                *(ULONGLONG *)(void *)(image + page->VirtualAddress + (entry[i] & 0xFFF)) += by;
        at += page->SizeOfBlock;
    }
}

static void bind(BYTE *image, const IMAGE_NT_HEADERS *headers)
{
    const IMAGE_IMPORT_DESCRIPTOR *import =
        (const void *)(image + headers->OptionalHeader.DataDirectory[1].VirtualAddress);
    for (; import->Name; import++) {
        HMODULE module = LoadLibraryA((const char *)image + import->Name);
        ULONGLONG *slot = (void *)(image + import->FirstThunk);
        for (; *slot; slot++)
            *slot = (ULONGLONG)(uintptr_t)GetProcAddress(
                module, (const char *)(image + *slot + sizeof(WORD)));
    }
}

/* As loaders of modules in memory do it. */
static BYTE *map_module(const char *name)
{
    const BYTE *file = read_module(name);
    const IMAGE_NT_HEADERS *headers =
        (const void *)(file + ((const IMAGE_DOS_HEADER *)(const void *)file)->e_lfanew);
    const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
    BYTE *image = VirtualAlloc(NULL, headers->OptionalHeader.SizeOfImage, MEM_RESERVE | MEM_COMMIT,
                               PAGE_EXECUTE_READWRITE);
    memcpy(image, file, headers->OptionalHeader.SizeOfHeaders);
    for (WORD i = 0; i < headers->FileHeader.NumberOfSections; i++)
        memcpy(image + section[i].VirtualAddress, file + section[i].PointerToRawData,
               section[i].SizeOfRawData);
    relocate(image, headers);
    bind(image, headers);
    return image;
}

/* Exports: take(size), give_back(block), size(block), in the order of their names. */
static void *export_of(BYTE *image, DWORD which)
{
    const IMAGE_EXPORT_DIRECTORY *exports = exports_of((HMODULE)(void *)image);
    const DWORD *functions = (const void *)(image + exports->AddressOfFunctions);
    return image + functions[which];
}

static void a_module_from_memory(void **state)
{
    (void)state;
    BYTE *image = map_module(CROSSING_MODULE);
    BOOL (*give_back)(void *) = (BOOL(*)(void *))export_of(image, 0);
    SIZE_T (*size)(void *) = (SIZE_T(*)(void *))export_of(image, 1);
    void *(*take)(SIZE_T) = (void *(*)(SIZE_T))export_of(image, 2);
    void *block = take(300);
    assert_true(owns(block));
    assert_int_equal(HeapSize(heap, 0, block), 300);
    assert_true(HeapFree(heap, 0, block));
    block = HeapAlloc(heap, 0, 400);
    assert_int_equal(size(block), 400);
    assert_true(give_back(block));
}

/* ---- the heap as a whole ------------------------------------------------------------------ */

static void the_whole_heap(void **state)
{
    (void)state;
    HEAP_SUMMARY before = { .cb = sizeof before }, after = { .cb = sizeof after };
    BOOL(WINAPI * summary)
    (HANDLE, DWORD, HEAP_SUMMARY *) = (BOOL(WINAPI *)(HANDLE, DWORD, HEAP_SUMMARY *))(
        void *)GetProcAddress(kernel, "HeapSummary");
    void *block = NULL;
    if (summary && summary(heap, 0, &before)) {
        block = HeapAlloc(heap, 0, 8 << 20);
        assert_true(summary(heap, 0, &after));
        assert_true(after.cbAllocated >= before.cbAllocated + (8 << 20));
        assert_true(after.cbCommitted >= before.cbCommitted + (7 << 20));
    }
    ULONG kind = 0;
    assert_true(HeapQueryInformation(heap, HeapCompatibilityInformation, &kind, sizeof kind, NULL));
    assert_int_equal(kind, 2);
    assert_true(HeapLock(heap));
    assert_true(HeapValidate(heap, 0, NULL));
    assert_true(HeapValidate(heap, 0, block ? block : HeapAlloc(heap, 0, 1)));
    assert_true(HeapUnlock(heap));
    assert_true(HeapCompact(heap, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_get_proc_address),
        cmocka_unit_test(by_a_found_get_proc_address),
        cmocka_unit_test(by_ordinal),
        cmocka_unit_test(by_ntdlls_own),
        cmocka_unit_test(what_gives_is_found_too),
        cmocka_unit_test(a_found_function_is_the_imported_one),
        cmocka_unit_test(other_functions_are_found_as_they_are),
        cmocka_unit_test(by_a_delayed_import),
        cmocka_unit_test(by_the_systems_resolver),
        cmocka_unit_test(strings_of_ntdll),
        cmocka_unit_test(imported_string_functions),
        cmocka_unit_test(security_identifiers),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(local_and_global_memory),
        cmocka_unit_test(what_the_system_returns),
        cmocka_unit_test(a_module_from_memory),
        cmocka_unit_test(the_whole_heap),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
