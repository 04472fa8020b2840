/* SPDX-License-Identifier: MIT */
/* pe_file.c: a program's file. An import table cannot grow where it is, so a section is added at
 * the file's end with a longer copy:
 *
 *     | struct note | the headers as they were | import table: ours, the program's, an empty one |
 *
 * The section's own header goes behind those of the others, in the headers' padding. */
#include "pe_file.h"

#include "redirect/slot_range.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_NAME ".barrow"
#define MARK         "barrow patch 1"

struct note {
    char mark[16];
    uint64_t size;         /* the file's, before */
    uint64_t headers_size; /* of the headers behind this note */
    ULONGLONG lookup[2];   /* by the ordinal 1 */
    ULONGLONG slots[2];
    char dll[64];
};

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* The headers end where the section table does, and lie within the first bytes of the file. */
static const wchar_t *locate(struct pe_file *file)
{
    static const wchar_t damaged[] = L"damaged: its headers do not fit into the file";
    const IMAGE_DOS_HEADER *dos = (const void *)file->bytes;
    size_t at = (size_t)(unsigned)dos->e_lfanew;
    if (file->size < sizeof *dos || at > file->size || file->size - at < sizeof *file->headers)
        return damaged;
    file->headers = (void *)(file->bytes + at);
    const IMAGE_OPTIONAL_HEADER64 *optional = &file->headers->OptionalHeader;
    at += offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
          file->headers->FileHeader.SizeOfOptionalHeader;
    file->sections = (void *)(file->bytes + at);
    at += file->headers->FileHeader.NumberOfSections * sizeof *file->sections;
    if (at > optional->SizeOfHeaders || optional->SizeOfHeaders > file->size)
        return damaged;
    if (optional->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC || !optional->FileAlignment ||
        !optional->SectionAlignment || optional->NumberOfRvaAndSizes <= IMAGE_DIRECTORY_ENTRY_IAT)
        return L"damaged: its headers make no sense";
    return NULL;
}

static const wchar_t *read_all(struct pe_file *file, FILE *stream)
{
    _fseeki64(stream, 0, SEEK_END);
    file->size = (size_t)_ftelli64(stream);
    _fseeki64(stream, 0, SEEK_SET);
    file->bytes = malloc(file->size + 1);
    if (!file->bytes)
        return L"too large for this machine's memory";
    return fread(file->bytes, 1, file->size, stream) == file->size ? NULL : L"cannot be read";
}

const wchar_t *pe_file_read(struct pe_file *file, const wchar_t *path)
{
    *file = (struct pe_file){ 0 };
    FILE *stream = _wfopen(path, L"rb");
    if (!stream)
        return L"cannot be opened";
    const wchar_t *reason = read_all(file, stream);
    fclose(stream);
    return reason ? reason : locate(file);
}

const wchar_t *pe_file_write(const struct pe_file *file, const wchar_t *path)
{
    FILE *stream = _wfopen(path, L"wb");
    if (!stream)
        return L"cannot be written";
    bool written = fwrite(file->bytes, 1, file->size, stream) == file->size;
    if (fclose(stream) == 0 && written)
        return NULL;
    DeleteFileW(path);
    return L"cannot be written whole";
}

void pe_file_close(struct pe_file *file)
{
    free(file->bytes);
    *file = (struct pe_file){ 0 };
}

/* The place in the file of size bytes at a distance from the image's base, or NULL. */
static void *at_distance(const struct pe_file *file, DWORD distance, size_t size)
{
    for (unsigned i = 0; i < file->headers->FileHeader.NumberOfSections; i++) {
        const IMAGE_SECTION_HEADER *section = &file->sections[i];
        DWORD inside = distance - section->VirtualAddress;
        if (distance < section->VirtualAddress || inside >= section->SizeOfRawData)
            continue;
        uint64_t at = (uint64_t)section->PointerToRawData + inside;
        return at + size <= file->size ? file->bytes + at : NULL;
    }
    return NULL;
}

static const IMAGE_SECTION_HEADER *own_section(const struct pe_file *file)
{
    unsigned count = file->headers->FileHeader.NumberOfSections;
    if (count == 0 || memcmp(file->sections[count - 1].Name, SECTION_NAME, sizeof SECTION_NAME))
        return NULL;
    return &file->sections[count - 1];
}

static IMAGE_DATA_DIRECTORY *directory(const struct pe_file *file, unsigned index)
{
    return &file->headers->OptionalHeader.DataDirectory[index];
}

/* The program's import descriptors without the empty one at the end; NULL and 0 if it has none. */
static const IMAGE_IMPORT_DESCRIPTOR *imports(const struct pe_file *file, size_t *count)
{
    DWORD distance = directory(file, IMAGE_DIRECTORY_ENTRY_IMPORT)->VirtualAddress;
    const IMAGE_IMPORT_DESCRIPTOR *table = NULL, *next;
    *count = 0;
    for (; distance; distance += sizeof *next) {
        next = at_distance(file, distance, sizeof *next);
        if (!next || !next->Name || !next->FirstThunk)
            break;
        if (!table)
            table = next;
        ++*count;
    }
    return table;
}

/* Whether there is an unused section header behind the last. */
static bool has_room(const struct pe_file *file)
{
    const BYTE *next = (const BYTE *)(file->sections + file->headers->FileHeader.NumberOfSections);
    const BYTE *end = next + sizeof *file->sections;
    if (end > file->bytes + file->headers->OptionalHeader.SizeOfHeaders)
        return false;
    /* Linkers often put bound imports there; they lose their meaning. */
    const IMAGE_DATA_DIRECTORY *bound = directory(file, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT);
    if (bound->VirtualAddress && file->bytes + bound->VirtualAddress >= next)
        return true;
    while (next < end && *next == 0)
        next++;
    return next == end;
}

/* Lengthens the file to hold the section, which is written later. */
static bool extend(struct pe_file *file, size_t start, size_t size)
{
    BYTE *bytes = realloc(file->bytes, start + size);
    if (!bytes)
        return false;
    memset(bytes + file->size, 0, start + size - file->size);
    file->bytes = bytes;
    file->size = start + size;
    return locate(file) == NULL;
}

static void section_fill(struct pe_file *file, BYTE *section, uint64_t old_size, DWORD distance,
                         const char *dll)
{
    struct note *note = (void *)section;
    size_t count, headers_size = file->headers->OptionalHeader.SizeOfHeaders;
    const IMAGE_IMPORT_DESCRIPTOR *old = imports(file, &count);
    IMAGE_IMPORT_DESCRIPTOR *table = (void *)(section + sizeof *note + round_up(headers_size, 8));
    strcpy(note->mark, MARK);
    strcpy(note->dll, dll);
    note->size = old_size;
    note->headers_size = headers_size;
    note->lookup[0] = note->slots[0] = IMAGE_ORDINAL_FLAG64 | 1;
    memcpy(note + 1, file->bytes, headers_size);
    table[0] = (IMAGE_IMPORT_DESCRIPTOR){
        .OriginalFirstThunk = distance + offsetof(struct note, lookup),
        .FirstThunk = distance + offsetof(struct note, slots),
        .Name = distance + offsetof(struct note, dll),
    };
    if (count)
        memcpy(table + 1, old, count * sizeof *old);
    IMAGE_DATA_DIRECTORY own = { distance + offsetof(struct note, slots), sizeof note->slots };
    *directory(file, IMAGE_DIRECTORY_ENTRY_IAT) =
        slot_range(*directory(file, IMAGE_DIRECTORY_ENTRY_IAT), file->sections,
                   file->headers->FileHeader.NumberOfSections,
                   directory(file, IMAGE_DIRECTORY_ENTRY_IMPORT)->VirtualAddress, own);
    *directory(file, IMAGE_DIRECTORY_ENTRY_IMPORT) = (IMAGE_DATA_DIRECTORY){
        .VirtualAddress = distance + (DWORD)((BYTE *)table - section),
        .Size = (DWORD)((count + 2) * sizeof *table),
    };
}

/* A signature does not fit any more, nor do bound imports. */
static void headers_change(struct pe_file *file, size_t start, size_t size, DWORD distance)
{
    IMAGE_OPTIONAL_HEADER64 *optional = &file->headers->OptionalHeader;
    IMAGE_SECTION_HEADER *section = &file->sections[file->headers->FileHeader.NumberOfSections++];
    *section = (IMAGE_SECTION_HEADER){
        .Name = SECTION_NAME,
        .VirtualAddress = distance,
        .PointerToRawData = (DWORD)start,
        .SizeOfRawData = (DWORD)size,
        .Characteristics =
            IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE,
    };
    section->Misc.VirtualSize = (DWORD)size;
    optional->SizeOfImage = (DWORD)round_up(distance + size, optional->SectionAlignment);
    optional->CheckSum = 0;
    *directory(file, IMAGE_DIRECTORY_ENTRY_SECURITY) = (IMAGE_DATA_DIRECTORY){ 0 };
    *directory(file, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT) = (IMAGE_DATA_DIRECTORY){ 0 };
}

const wchar_t *pe_file_add_import(struct pe_file *file, const char *dll)
{
    const IMAGE_OPTIONAL_HEADER64 *optional = &file->headers->OptionalHeader;
    size_t count;
    uint64_t old_size = file->size;
    imports(file, &count);
    size_t start = round_up(old_size, optional->FileAlignment);
    size_t size = round_up(sizeof(struct note) + round_up(optional->SizeOfHeaders, 8) +
                               (count + 2) * sizeof(IMAGE_IMPORT_DESCRIPTOR),
                           optional->FileAlignment);
    if (own_section(file))
        return L"is patched already";
    if (!has_room(file))
        return L"has no space for another section header";
    if (start + size > UINT32_MAX || !extend(file, start, size))
        return L"is too large";
    optional = &file->headers->OptionalHeader;
    DWORD distance = (DWORD)round_up(optional->SizeOfImage, optional->SectionAlignment);
    section_fill(file, file->bytes + start, old_size, distance, dll);
    headers_change(file, start, size, distance);
    return NULL;
}

const wchar_t *pe_file_remove_import(struct pe_file *file)
{
    const IMAGE_SECTION_HEADER *section = own_section(file);
    if (!section)
        return L"is not patched";
    uint64_t at = section->PointerToRawData;
    if (at + sizeof(struct note) > file->size)
        return L"is damaged";
    const struct note *note = (const void *)(file->bytes + at);
    if (memcmp(note->mark, MARK, sizeof MARK) != 0 || note->size > at ||
        note->headers_size > file->size - at - sizeof *note || note->headers_size > note->size)
        return L"was patched by something else";
    memcpy(file->bytes, note + 1, note->headers_size);
    file->size = note->size;
    return NULL;
}

/* MinGW's symbols, and the names behind them, whose first four bytes are their size. */
static uint64_t symbols_end(const struct pe_file *file)
{
    const IMAGE_FILE_HEADER *header = &file->headers->FileHeader;
    uint64_t names =
        header->PointerToSymbolTable + (uint64_t)header->NumberOfSymbols * IMAGE_SIZEOF_SYMBOL;
    DWORD size = 0;
    if (header->PointerToSymbolTable && names + sizeof size <= file->size)
        memcpy(&size, file->bytes + names, sizeof size);
    return names + size;
}

const wchar_t *pe_file_doubt(const struct pe_file *file)
{
    uint64_t end = symbols_end(file);
    for (unsigned i = 0; i < file->headers->FileHeader.NumberOfSections; i++) {
        uint64_t last =
            (uint64_t)file->sections[i].PointerToRawData + file->sections[i].SizeOfRawData;
        end = last > end ? last : end;
    }
    if (directory(file, IMAGE_DIRECTORY_ENTRY_SECURITY)->VirtualAddress)
        return L"its signature does not hold for the copy";
    if (file->size > end + file->headers->OptionalHeader.FileAlignment)
        return L"it has data behind its sections, which the copy may not find (an installer, or a "
               L"program with its files packed into it)";
    return NULL;
}
