/* SPDX-License-Identifier: MIT */
/* elf_check.c: reads fields by offset and width rather than through the structures of <elf.h>, so
 * that one reader serves both classes and both byte orders: the target may be of any. */
#include "elf_check.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct field {
    unsigned offset, width;
};

#define FIELD(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)

/* Where the two classes differ. */
struct layout {
    struct field header_type, header_machine, segments, segment_size, segment_count;
    struct field type, offset, length;
    struct field tag, value;
    unsigned entry_size; /* of the dynamic section */
};

static const struct layout layouts[2] = {
    {
        { FIELD(Elf32_Ehdr, e_type) },
        { FIELD(Elf32_Ehdr, e_machine) },
        { FIELD(Elf32_Ehdr, e_phoff) },
        { FIELD(Elf32_Ehdr, e_phentsize) },
        { FIELD(Elf32_Ehdr, e_phnum) },
        { FIELD(Elf32_Phdr, p_type) },
        { FIELD(Elf32_Phdr, p_offset) },
        { FIELD(Elf32_Phdr, p_filesz) },
        { FIELD(Elf32_Dyn, d_tag) },
        { FIELD(Elf32_Dyn, d_un) },
        sizeof(Elf32_Dyn),
    },
    {
        { FIELD(Elf64_Ehdr, e_type) },
        { FIELD(Elf64_Ehdr, e_machine) },
        { FIELD(Elf64_Ehdr, e_phoff) },
        { FIELD(Elf64_Ehdr, e_phentsize) },
        { FIELD(Elf64_Ehdr, e_phnum) },
        { FIELD(Elf64_Phdr, p_type) },
        { FIELD(Elf64_Phdr, p_offset) },
        { FIELD(Elf64_Phdr, p_filesz) },
        { FIELD(Elf64_Dyn, d_tag) },
        { FIELD(Elf64_Dyn, d_un) },
        sizeof(Elf64_Dyn),
    },
};

struct reader {
    int fd;
    const struct layout *layout;
    struct elf_file *file;
};

/* Every structure read here is at most this large, and so is what elf_read() asks for. */
enum { RECORD = sizeof(Elf64_Ehdr) };

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
    return offset <= INT64_MAX && pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static uint64_t get(const struct reader *reader, const unsigned char *record, struct field field)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < field.width; i++) {
        unsigned at = reader->file->data == ELFDATA2MSB ? i : field.width - 1 - i;
        value = value << 8 | record[field.offset + at];
    }
    return value;
}

/* A damaged file may name a dynamic section of any length: a real one ends with DT_NULL. */
static void read_dynamic(const struct reader *reader, uint64_t offset, uint64_t length)
{
    unsigned size = reader->layout->entry_size;
    unsigned char entry[sizeof(Elf64_Dyn)];
    for (uint64_t at = 0; at + size <= length; at += size) {
        if (!read_at(reader->fd, entry, size, offset + at))
            return;
        uint64_t tag = get(reader, entry, reader->layout->tag);
        if (tag == DT_NULL)
            return;
        if (tag == DT_FLAGS_1)
            reader->file->pie = get(reader, entry, reader->layout->value) & DF_1_PIE;
    }
}

static void read_interpreter(const struct reader *reader, uint64_t offset, uint64_t length)
{
    struct elf_file *file = reader->file;
    file->interpreted = true;
    if (length >= sizeof file->interpreter ||
        !read_at(reader->fd, file->interpreter, length, offset))
        file->interpreter[0] = '\0';
}

static void read_segment(const struct reader *reader, const unsigned char *segment)
{
    const struct layout *layout = reader->layout;
    uint64_t offset = get(reader, segment, layout->offset);
    uint64_t length = get(reader, segment, layout->length);
    switch (get(reader, segment, layout->type)) {
    case PT_INTERP:
        read_interpreter(reader, offset, length);
        break;
    case PT_DYNAMIC:
        reader->file->dynamic = true;
        read_dynamic(reader, offset, length);
        break;
    default:
        break;
    }
}

static bool read_segments(const struct reader *reader, const unsigned char *header)
{
    uint64_t at = get(reader, header, reader->layout->segments);
    uint64_t size = get(reader, header, reader->layout->segment_size);
    uint64_t count = get(reader, header, reader->layout->segment_count);
    unsigned char segment[RECORD];
    unsigned needed = reader->layout->length.offset + reader->layout->length.width;
    if (count > 0 && size < needed)
        return false;
    for (; count > 0; count--, at += size) {
        if (!read_at(reader->fd, segment, needed, at))
            return false;
        read_segment(reader, segment);
    }
    return true;
}

bool elf_read(int fd, struct elf_file *file)
{
    unsigned char header[RECORD];
    memset(file, 0, sizeof *file);
    if (!read_at(fd, header, sizeof(Elf32_Ehdr), 0) || memcmp(header, ELFMAG, SELFMAG) != 0)
        return false;
    file->class = header[EI_CLASS];
    file->data = header[EI_DATA];
    if (file->class != ELFCLASS32 && file->class != ELFCLASS64)
        return false;
    if (file->class == ELFCLASS64 && !read_at(fd, header, sizeof(Elf64_Ehdr), 0))
        return false;
    struct reader reader = { fd, &layouts[file->class == ELFCLASS64], file };
    file->type = (unsigned)get(&reader, header, reader.layout->header_type);
    file->machine = (unsigned)get(&reader, header, reader.layout->header_machine);
    return read_segments(&reader, header);
}

bool elf_is_static(const struct elf_file *file)
{
    if (file->interpreted)
        return false;
    return !file->dynamic || file->pie;
}

bool elf_same_machine(const struct elf_file *one, const struct elf_file *other)
{
    return one->class == other->class && one->data == other->data && one->machine == other->machine;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "x86";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "ARM";
    case EM_AARCH64:
        return "AArch64";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC64";
    case EM_S390:
        return "S/390";
    default:
        return NULL;
    }
}

struct elf_machine elf_machine_text(const struct elf_file *file)
{
    struct elf_machine machine;
    int bits = file->class == ELFCLASS64 ? 64 : 32;
    const char *name = machine_name(file->machine);
    if (name)
        snprintf(machine.text, sizeof machine.text, "%d-bit %s", bits, name);
    else
        snprintf(machine.text, sizeof machine.text, "%d-bit (ELF machine %u)", bits, file->machine);
    return machine;
}
