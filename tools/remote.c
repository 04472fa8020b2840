/* SPDX-License-Identifier: MIT */
/* remote.c: finds struct heap_layout (lib/diag/layout.h) in a process's memory: each mapping that
 * begins with an ELF header is asked for its notes. Files are not opened, so it works whatever mount
 * namespace the process is in, and when its files have been replaced. */
#define _FILE_OFFSET_BITS 64
#include "remote.h"

#include <elf.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADERS_MAX = 64, NOTES_MAX = 4096 };

/* ---- memory -------------------------------------------------------------------------------- */

static bool read_memory(pid_t pid, uint64_t address, void *to, size_t size)
{
    struct iovec here = { to, size }, there = { (void *)(uintptr_t)address, size };
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool remote_read(const struct remote *remote, uint64_t address, void *to, size_t size)
{
    return read_memory(remote->pid, address, to, size);
}

uint64_t remote_word(const struct remote *remote, const void *address)
{
    uint64_t word;
    return remote_read(remote, (uintptr_t)address, &word, sizeof word) ? word : 0;
}

uint32_t remote_half_word(const struct remote *remote, const void *address)
{
    uint32_t word;
    return remote_read(remote, (uintptr_t)address, &word, sizeof word) ? word : 0;
}

/* ---- layouts ------------------------------------------------------------------------------- */

static bool fits(uint32_t offset, uint32_t size, uint32_t whole)
{
    return offset <= whole && size <= whole - offset;
}

static bool region_is_sane(const struct region_layout *layout)
{
    uint32_t size = layout->span_size;
    for (size_t i = 0; i < sizeof layout->kinds; i++)
        if (layout->kinds[i] >= LAYOUT_KINDS)
            return false;
    return layout->granule_shift >= 12 && layout->granule_shift < layout->root_shift &&
           layout->root_shift - layout->granule_shift <= 20 && layout->root_shift < 48 &&
           layout->roots >= 1 && layout->roots <= (uint64_t)1 << (48 - layout->root_shift) &&
           size <= 256 && fits(layout->kind, 1, size) && fits(layout->size_class, 1, size) &&
           fits(layout->granules, 4, size) && fits(layout->used, 4, size) &&
           fits(layout->holes, 8, size) && fits(layout->heap, 8, size) &&
           fits(layout->pool, 8, size) && fits(layout->large_size, 8, size);
}

static bool threads_are_sane(const struct threads_layout *layout, uint32_t classes)
{
    uint32_t size = layout->theap_size, bin = layout->bin_size;
    return size <= 1 << 16 && layout->leaf_shift < 24 && fits(layout->idle, 1, size) &&
           fits(layout->allocations, 8, size) && fits(layout->allocated_bytes, 8, size) &&
           fits(layout->frees, 8, size) && fits(layout->bins, classes * bin, size) &&
           fits(layout->room, 8, bin) && fits(layout->limit, 2, bin) && layout->room_shift < 64 &&
           fits(layout->spare, 8, bin) && fits(layout->spare_count, 2, bin);
}

static bool medium_is_sane(const struct medium_layout *layout)
{
    uint32_t size = layout->map_size, most = layout->most;
    return size <= 1 << 16 && most <= 1 << 12 && layout->leaf_shift < 24 &&
           layout->cell_shift < 16 && fits(layout->start, 8, size) &&
           fits(layout->cells, 4, size) && fits(layout->states, most, size) &&
           layout->record_size <= 64 && fits(layout->records, most * layout->record_size, size) &&
           fits(layout->length, 2, layout->record_size);
}

static bool heap_is_sane(const struct heap_layout *layout)
{
    if (layout->version != LAYOUT_VERSION || layout->size != sizeof *layout ||
        layout->classes > LAYOUT_CLASSES)
        return false;
    for (uint32_t i = 0; i < layout->classes; i++)
        if (layout->block_bytes[i] == 0)
            return false;
    return true;
}

static enum remote_result read_layouts(struct remote *remote, uint64_t at)
{
    if (!remote_read(remote, at, &remote->heap, sizeof remote->heap) ||
        strncmp(remote->heap.magic, LAYOUT_MAGIC, sizeof remote->heap.magic) != 0)
        return REMOTE_WITHOUT;
    remote->heap.library[sizeof remote->heap.library - 1] = '\0';
    bool sane =
        heap_is_sane(&remote->heap) &&
        remote_read(remote, (uintptr_t)remote->heap.region, &remote->region,
                    sizeof remote->region) &&
        remote_read(remote, (uintptr_t)remote->heap.threads, &remote->threads,
                    sizeof remote->threads) &&
        remote_read(remote, (uintptr_t)remote->heap.medium, &remote->medium,
                    sizeof remote->medium) &&
        remote_read(remote, (uintptr_t)remote->heap.slots, &remote->slots, sizeof remote->slots) &&
        region_is_sane(&remote->region) && medium_is_sane(&remote->medium) &&
        threads_are_sane(&remote->threads, remote->heap.classes);
    return sane ? REMOTE_FOUND : REMOTE_UNKNOWN;
}

/* ---- notes --------------------------------------------------------------------------------- */

static uint64_t padded(uint64_t size, uint64_t align)
{
    return (size + align - 1) & ~(align - 1);
}

/* The address that our note among these leads to, or 0. They were read from `address`. */
static uint64_t find_note(const unsigned char *notes, size_t size, uint64_t address, uint64_t align)
{
    for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= size;) {
        Elf64_Nhdr note;
        memcpy(&note, notes + at, sizeof note);
        uint64_t name = at + sizeof note, content = name + padded(note.n_namesz, align);
        int64_t distance;
        if (content + note.n_descsz > size)
            return 0;
        if (note.n_type == LAYOUT_NOTE_TYPE && note.n_namesz == sizeof LAYOUT_NOTE_NAME &&
            memcmp(notes + name, LAYOUT_NOTE_NAME, sizeof LAYOUT_NOTE_NAME) == 0 &&
            note.n_descsz == sizeof distance) {
            memcpy(&distance, notes + content, sizeof distance);
            return address + content + (uint64_t)distance;
        }
        at = content + padded(note.n_descsz, align);
    }
    return 0;
}

static uint64_t find_in_segment(pid_t pid, uint64_t address, const Elf64_Phdr *segment)
{
    unsigned char notes[NOTES_MAX];
    uint64_t size = segment->p_memsz < sizeof notes ? segment->p_memsz : sizeof notes;
    if (!read_memory(pid, address, notes, size))
        return 0;
    return find_note(notes, size, address, segment->p_align == 8 ? 8 : 4);
}

static uint64_t find_in_segments(pid_t pid, uint64_t start, const Elf64_Phdr *segments, int count)
{
    uint64_t bias = start, layout = 0;
    for (int i = 0; i < count; i++)
        if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
            bias = start - segments[i].p_vaddr;
    for (int i = 0; i < count && layout == 0; i++)
        if (segments[i].p_type == PT_NOTE)
            layout = find_in_segment(pid, bias + segments[i].p_vaddr, &segments[i]);
    return layout;
}

/* The address of the layout in the module that is mapped there, or 0. */
static uint64_t find_in_module(pid_t pid, uint64_t start)
{
    Elf64_Ehdr header;
    Elf64_Phdr segments[HEADERS_MAX];
    if (!read_memory(pid, start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof segments[0] || header.e_phnum > HEADERS_MAX ||
        !read_memory(pid, start + header.e_phoff, segments, header.e_phnum * sizeof segments[0]))
        return 0;
    return find_in_segments(pid, start, segments, header.e_phnum);
}

/* ---- the process --------------------------------------------------------------------------- */

static bool is_in_use(const struct remote *remote)
{
    return remote_half_word(remote, remote->threads.count) != 0;
}

/* A program may have the library twice, linked and preloaded: the one in use is meant. */
static enum remote_result find(struct remote *remote, FILE *maps)
{
    enum remote_result result = REMOTE_WITHOUT;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, maps) > 0) {
        uint64_t start, offset, layout;
        struct remote other = { .pid = remote->pid };
        if (sscanf(line, "%" SCNx64 "-%*x r%*s %" SCNx64, &start, &offset) != 2 || offset != 0)
            continue;
        if ((layout = find_in_module(remote->pid, start)) == 0)
            continue;
        enum remote_result other_result = read_layouts(&other, layout);
        if (other_result == REMOTE_FOUND && (result != REMOTE_FOUND || is_in_use(&other)))
            *remote = other;
        if (result != REMOTE_FOUND && other_result != REMOTE_WITHOUT)
            result = other_result;
    }
    free(line);
    return result;
}

/* process_vm_readv wants more than /proc/PID/maps does. */
static bool may_be_read(pid_t pid)
{
    struct iovec none = { NULL, 0 };
    return process_vm_readv(pid, &none, 1, &none, 1, 0) >= 0 || errno != EPERM;
}

enum remote_result remote_open(struct remote *remote, pid_t pid)
{
    char path[64];
    *remote = (struct remote){ .pid = pid };
    snprintf(path, sizeof path, "/proc/%jd/maps", (intmax_t)pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return errno == ENOENT || errno == ESRCH ? REMOTE_GONE : REMOTE_REFUSED;
    enum remote_result result = may_be_read(pid) ? find(remote, maps) : REMOTE_REFUSED;
    if (ferror(maps) && result == REMOTE_WITHOUT) /* EACCES comes with the first read */
        result = REMOTE_REFUSED;
    fclose(maps);
    return result;
}

/* Yama's rule, which Ubuntu has on by default. */
static bool only_descendants(void)
{
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    int scope = file ? fgetc(file) : '0';
    if (file)
        fclose(file);
    return scope >= '1' && scope <= '3';
}

static void complain(enum remote_result result, const struct remote *remote)
{
    intmax_t pid = remote->pid;
    if (result == REMOTE_GONE)
        warnx("there is no process %jd", pid);
    else if (result == REMOTE_REFUSED && only_descendants())
        warnx("process %jd may not be read: kernel.yama.ptrace_scope allows it to root only; try "
              "sudo",
              pid);
    else if (result == REMOTE_REFUSED)
        warnx("process %jd may not be read: it is another user's, or has privileges; try sudo",
              pid);
    else if (result == REMOTE_WITHOUT)
        warnx("process %jd does not have barrow: it was neither linked nor started with it", pid);
    else
        warnx("process %jd has barrow %s, which this command does not know", pid,
              remote->heap.library);
}

bool remote_require(struct remote *remote, pid_t pid)
{
    enum remote_result result = remote_open(remote, pid);
    if (result != REMOTE_FOUND)
        complain(result, remote);
    return result == REMOTE_FOUND;
}

void remote_name(pid_t pid, char *name, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%jd/comm", (intmax_t)pid);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(name, (int)size, file))
        snprintf(name, size, "?");
    if (file)
        fclose(file);
    name[strcspn(name, "\n")] = '\0';
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}
