/* SPDX-License-Identifier: MIT */
/* inject.c: two ways to have a new process load a DLL.
 *
 * The first is to put the DLL in front of the program's import table, in memory: then the loader
 * loads and starts it before any run-time, and no block is made without it. The table is copied to
 * where it can grow, since the program's own cannot.
 *
 * Where that cannot be (a .NET program, whose import table the loader does not use; a path that
 * import tables cannot hold; no free memory within reach), the main thread is made to call LdrLoadDll
 * before the program's entry point. */
#include "redirect/inject.h"

#include "redirect/ntdll.h"
#include "redirect/slot_range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is written into the process: the new table, then what the DLL's descriptor points to. Thunks
 * are 8 bytes each, the import and a terminating 0. */
struct import_block {
    ULONGLONG lookup[2];
    ULONGLONG slots[2];
    char dll[MAX_PATH];
    IMAGE_IMPORT_DESCRIPTOR table[]; /* ours, the program's, an empty one */
};

struct image {
    HANDLE process;
    BYTE *base;
    BYTE *headers_at;
    IMAGE_NT_HEADERS64 headers;
};

static bool read_at(const struct image *image, const void *address, void *buffer, size_t size)
{
    SIZE_T done;
    return ReadProcessMemory(image->process, address, buffer, size, &done) && done == size;
}

static bool write_at(const struct image *image, void *address, const void *buffer, size_t size)
{
    SIZE_T done;
    return WriteProcessMemory(image->process, address, buffer, size, &done) && done == size;
}

static bool image_find(struct image *image)
{
    PROCESS_BASIC_INFORMATION info;
    NTSTATUS status = NtQueryInformationProcess(image->process, ProcessBasicInformation, &info,
                                                sizeof info, NULL);
    if (status < 0) {
        SetLastError(RtlNtStatusToDosError(status));
        return false;
    }
    /* ImageBaseAddress is the third pointer of the PEB. */
    void **base = (void **)info.PebBaseAddress + 2;
    IMAGE_DOS_HEADER dos;
    if (!read_at(image, base, &image->base, sizeof image->base) ||
        !read_at(image, image->base, &dos, sizeof dos))
        return false;
    image->headers_at = image->base + dos.e_lfanew;
    return read_at(image, image->headers_at, &image->headers, sizeof image->headers);
}

static IMAGE_DATA_DIRECTORY *directory(struct image *image, unsigned index)
{
    return &image->headers.OptionalHeader.DataDirectory[index];
}

/* How many descriptors the program's table has, without the empty one at its end. */
static size_t table_length(struct image *image)
{
    const IMAGE_DATA_DIRECTORY *import = directory(image, IMAGE_DIRECTORY_ENTRY_IMPORT);
    const BYTE *at = image->base + import->VirtualAddress;
    IMAGE_IMPORT_DESCRIPTOR descriptor;
    size_t length = 0;
    while (import->VirtualAddress && read_at(image, at, &descriptor, sizeof descriptor) &&
           descriptor.Name && descriptor.FirstThunk) {
        at += sizeof descriptor;
        length++;
    }
    return length;
}

/* Import tables hold addresses as 32-bit distances from the image's base. */
static void *block_reserve(const struct image *image, size_t size)
{
    const size_t granule = 0x10000;
    BYTE *at = image->base + image->headers.OptionalHeader.SizeOfImage;
    BYTE *end = image->base + 0xFFFF0000u - size;
    MEMORY_BASIC_INFORMATION range;
    while (at < end && VirtualQueryEx(image->process, at, &range, sizeof range)) {
        BYTE *start = (BYTE *)(((uintptr_t)at + granule - 1) & ~(granule - 1));
        BYTE *next = (BYTE *)range.BaseAddress + range.RegionSize;
        if (range.State == MEM_FREE && start + size <= next) {
            void *block = VirtualAllocEx(image->process, start, size, MEM_RESERVE | MEM_COMMIT,
                                         PAGE_READWRITE);
            if (block || GetLastError() == ERROR_ACCESS_DENIED)
                return block;
            next = start + granule;
        }
        at = next;
    }
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
}

/* Import tables hold plain characters. */
static bool plain_path(char *plain, const WCHAR *path)
{
    size_t i = 0;
    for (; path[i] && i < MAX_PATH - 1; i++) {
        if (path[i] >= 0x80)
            return false;
        plain[i] = (char)path[i];
    }
    plain[i] = '\0';
    return !path[i];
}

static bool block_fill(struct image *image, struct import_block *block, const BYTE *at,
                       size_t length)
{
    const DWORD distance = (DWORD)(at - image->base);
    block->lookup[0] = block->slots[0] = IMAGE_ORDINAL_FLAG64 | 1;
    block->table[0] = (IMAGE_IMPORT_DESCRIPTOR){
        .OriginalFirstThunk = distance + offsetof(struct import_block, lookup),
        .FirstThunk = distance + offsetof(struct import_block, slots),
        .Name = distance + offsetof(struct import_block, dll),
    };
    const void *old = image->base + directory(image, IMAGE_DIRECTORY_ENTRY_IMPORT)->VirtualAddress;
    return !length || read_at(image, old, block->table + 1, length * sizeof *block->table);
}

enum { SECTIONS_MAX = 96 /* that Windows loads */ };

static IMAGE_DATA_DIRECTORY slots_range(struct image *image, const BYTE *at)
{
    static const size_t to_sections = offsetof(IMAGE_NT_HEADERS64, OptionalHeader);
    IMAGE_SECTION_HEADER sections[SECTIONS_MAX];
    const IMAGE_FILE_HEADER *file = &image->headers.FileHeader;
    unsigned count = file->NumberOfSections < SECTIONS_MAX ? file->NumberOfSections : SECTIONS_MAX;
    if (!read_at(image, image->headers_at + to_sections + file->SizeOfOptionalHeader, sections,
                 count * sizeof *sections))
        count = 0;
    IMAGE_DATA_DIRECTORY own = { (DWORD)(at - image->base) + offsetof(struct import_block, slots),
                                 sizeof(((struct import_block *)0)->slots) };
    return slot_range(*directory(image, IMAGE_DIRECTORY_ENTRY_IAT), sections, count,
                      directory(image, IMAGE_DIRECTORY_ENTRY_IMPORT)->VirtualAddress, own);
}

/* The old table may be bound to addresses, which ours is not. */
static bool headers_change(struct image *image, const BYTE *at, size_t length)
{
    IMAGE_DATA_DIRECTORY *import = directory(image, IMAGE_DIRECTORY_ENTRY_IMPORT);
    *directory(image, IMAGE_DIRECTORY_ENTRY_IAT) = slots_range(image, at);
    import->VirtualAddress = (DWORD)(at - image->base) + offsetof(struct import_block, table);
    import->Size = (DWORD)((length + 2) * sizeof(IMAGE_IMPORT_DESCRIPTOR));
    *directory(image, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT) = (IMAGE_DATA_DIRECTORY){ 0 };
    DWORD access;
    if (!VirtualProtectEx(image->process, image->headers_at, sizeof image->headers, PAGE_READWRITE,
                          &access))
        return false;
    bool written = write_at(image, image->headers_at, &image->headers, sizeof image->headers);
    VirtualProtectEx(image->process, image->headers_at, sizeof image->headers, access, &access);
    return written;
}

static bool inject_import(struct image *image, const WCHAR *dll)
{
    size_t length = table_length(image);
    size_t size = sizeof(struct import_block) + (length + 2) * sizeof(IMAGE_IMPORT_DESCRIPTOR);
    struct import_block *block = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!block)
        return false;
    BYTE *at = plain_path(block->dll, dll) ? block_reserve(image, size) : NULL;
    bool done = at && block_fill(image, block, at, length) && write_at(image, at, block, size) &&
                headers_change(image, at, length);
    VirtualFree(block, 0, MEM_RELEASE);
    return done;
}

/* kernel32 has the same address in all processes. */
static bool inject_call(HANDLE process, HANDLE main_thread, const WCHAR *dll)
{
    size_t size = (size_t)(lstrlenW(dll) + 1) * sizeof *dll;
    FARPROC load = GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "LoadLibraryW");
    void *path = VirtualAllocEx(process, NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    return load && path && WriteProcessMemory(process, path, dll, size, NULL) &&
           QueueUserAPC((PAPCFUNC)(void *)load, main_thread, (ULONG_PTR)path);
}

static bool is_dotnet(struct image *image)
{
    return directory(image, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR)->VirtualAddress != 0;
}

/* ---- what forbids it ---------------------------------------------------------------------- */

static FARPROC of_kernel(const char *name)
{
    return GetProcAddress(GetModuleHandleW(L"kernel32.dll"), name);
}

#if defined(__aarch64__) || defined(_M_ARM64)
#define OWN_MACHINE IMAGE_FILE_MACHINE_ARM64
#else
#define OWN_MACHINE IMAGE_FILE_MACHINE_AMD64
#endif

/* Windows 10 and later tell. Elsewhere there is no such emulation. */
static bool is_emulated(HANDLE process)
{
    BOOL(WINAPI * find)
    (HANDLE, USHORT *, USHORT *) =
        (BOOL(WINAPI *)(HANDLE, USHORT *, USHORT *))(void *)of_kernel("IsWow64Process2");
    USHORT guest = 0, host = 0;
    return find && find(process, &guest, &host) && host != OWN_MACHINE;
}

static enum inject_result machine_objection(HANDLE process)
{
    BOOL is_32_bit;
    if (!IsWow64Process(process, &is_32_bit))
        return INJECT_FAILED;
    if (is_32_bit)
        return INJECT_32_BIT;
    return is_emulated(process) ? INJECT_EMULATED : INJECT_DONE;
}

/* The policies' numbers and bits as Microsoft's winnt.h has them: ProcessControlFlowGuardPolicy and
 * ProcessSignaturePolicy. */
enum {
    POLICY_FLOW_GUARD = 7,
    POLICY_SIGNATURE = 8,
    FLOW_GUARD_ON = 1,
    FLOW_GUARD_STRICT = 4,
    SIGNED_BY_MICROSOFT = 1,
    SIGNED_BY_STORE = 2
};

/* 0 where the system does not tell. */
static DWORD policy_of(HANDLE process, int which)
{
    BOOL(WINAPI * get)
    (HANDLE, int, void *, SIZE_T) = (BOOL(WINAPI *)(HANDLE, int, void *, SIZE_T))(void *)of_kernel(
        "GetProcessMitigationPolicy");
    DWORD error = GetLastError(), bits = 0;
    if (!get || !get(process, which, &bits, sizeof bits))
        bits = 0;
    SetLastError(error);
    return bits;
}

static enum inject_result policy_objection(HANDLE process)
{
    if (policy_of(process, POLICY_SIGNATURE) & (SIGNED_BY_MICROSOFT | SIGNED_BY_STORE))
        return INJECT_SIGNED_ONLY;
    DWORD guard = policy_of(process, POLICY_FLOW_GUARD);
    return guard & FLOW_GUARD_ON && guard & FLOW_GUARD_STRICT ? INJECT_STRICT_GUARD : INJECT_DONE;
}

static enum inject_result objection(struct image *image)
{
    enum inject_result machine = machine_objection(image->process);
    if (machine != INJECT_DONE)
        return machine;
    if (!image_find(image))
        return INJECT_FAILED;
    if (image->headers.FileHeader.Machine != OWN_MACHINE)
        return INJECT_WRONG_MACHINE;
    return policy_objection(image->process);
}

const char *inject_reason(enum inject_result result)
{
    static const char *const reasons[] = {
        [INJECT_DONE] = "",
        [INJECT_32_BIT] = "it is a 32-bit program; barrow.dll is for 64-bit ones",
        [INJECT_WRONG_MACHINE] = "it is not a program for x86-64",
        [INJECT_EMULATED] = "it is x86-64 code on an Arm machine",
        [INJECT_SIGNED_ONLY] = "its policy admits no DLL that Microsoft or the store did not sign",
        [INJECT_STRICT_GUARD] = "its policy admits no DLL without control-flow guard",
        [INJECT_FAILED] = "its memory can't be changed",
    };
    return reasons[result];
}

enum inject_result inject(HANDLE process, HANDLE main_thread, const WCHAR *dll)
{
    struct image image = { .process = process };
    enum inject_result found = objection(&image);
    if (found != INJECT_DONE)
        return found;
    bool done = (!is_dotnet(&image) && inject_import(&image, dll)) ||
                inject_call(process, main_thread, dll);
    return done ? INJECT_DONE : INJECT_FAILED;
}
