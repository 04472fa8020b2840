/* SPDX-License-Identifier: MIT */
/* named.c: sections that processes find by name. The object file (see host_object.c) is laid out
 * so:
 *
 *     0        head: sizes, protection, the exact name; for a section of a file, how to reach it
 *     64 KiB   SEC_RESERVE: a bit a page, set when committed; whole granules
 *     then     the data, for a section of memory
 *
 * A section of a file is reached through its path, or when the path leads elsewhere by now, through
 * a process that has it open; both are taken only if they lead to the very same file.
 *
 * Another user may have written the head of a global object, and may write it while it is read. So
 * the head is read once, by a call and not through a mapping, and each of its fields is compared with
 * what it can be before any is used. */
#include "win32/section/section.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD_BYTES GRANULE_BYTES
#define HEAD_MAGIC UINT64_C(0x3253574f52524142) /* "BARROWS2" */
#define NAME_ROOM  1024
#define HOLDERS    64

/* A process that has a section's file open. */
struct holder {
    int32_t process;
    int32_t fd;
};

struct head {
    uint64_t magic;
    uint64_t size;
    uint64_t committed_bytes;
    uint32_t protect;
    uint32_t flags;
    uint32_t is_file;
    uint32_t unused;
    uint64_t device;
    uint64_t inode;
    struct holder holders[HOLDERS];
    char name[NAME_ROOM];
    char path[4096];
};
_Static_assert(sizeof(struct head) <= HEAD_BYTES, "the head has 64 KiB");

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static uint64_t hash_name(const char *name, uint64_t hash)
{
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    return hash;
}

/* A file name for any object name: plain characters stay, others become %XX; what gets too long
 * ends in 128 bits of hash instead. The head holds the exact name for comparison. */
static void encode_name(const char *name, char *encoded)
{
    const size_t most =
        SECTION_NAME_ROOM - 8; /* the rest is for the number that host_object.c may add */
    size_t n = 0;
    const char *at = name;
    for (; *at != '\0' && n + 3 < most; at++) {
        if (is_plain(*at))
            encoded[n++] = *at;
        else
            n += (size_t)snprintf(encoded + n, 4, "%%%02X", (unsigned char)*at);
    }
    encoded[n] = '\0';
    if (*at != '\0')
        snprintf(encoded + most - 36, 36, "%%H%016llx%016llx",
                 (unsigned long long)hash_name(name, UINT64_C(0xCBF29CE484222325)),
                 (unsigned long long)hash_name(name, UINT64_C(0x84222325CBF29CE4)));
}

/* Takes the prefix off. Any other backslash is no valid name. */
static DWORD split_name(const char **name, bool *global)
{
    *global = strncmp(*name, "Global\\", 7) == 0;
    if (*global)
        *name += 7;
    else if (strncmp(*name, "Local\\", 6) == 0)
        *name += 6;
    if (strchr(*name, '\\') != NULL)
        return ERROR_PATH_NOT_FOUND;
    if (strlen(*name) >= NAME_ROOM)
        return ERROR_FILENAME_EXCED_RANGE;
    return **name != '\0' ? 0 : ERROR_INVALID_NAME;
}

static uint64_t bytes_in_file(const struct head *head)
{
    return HEAD_BYTES + head->committed_bytes +
           (head->is_file ? 0 : round_up(head->size, PAGE_BYTES));
}

static bool memory_is_sound(const struct head *head)
{
    return head->size <= SECTION_MOST && is_aligned(head->size, PAGE_BYTES) &&
           head->committed_bytes == section_committed_bytes(head->size, head->flags) &&
           (head->flags & ~(SEC_COMMIT | SEC_RESERVE | SEC_NOCACHE | SEC_WRITECOMBINE)) == 0;
}

static bool file_is_sound(const struct head *head)
{
    return head->size <= INT64_MAX && head->committed_bytes == 0 && head->flags == SEC_COMMIT &&
           memchr(head->path, '\0', sizeof(head->path)) != NULL;
}

static bool head_is_sound(const struct head *head, const char *name, uint64_t file_size)
{
    if (head->magic != HEAD_MAGIC || head->is_file > 1 || head->size == 0)
        return false;
    if (!section_protect_is_valid(head->protect))
        return false;
    if (head->is_file ? !file_is_sound(head) : !memory_is_sound(head))
        return false;
    return bytes_in_file(head) <= file_size && memchr(head->name, '\0', NAME_ROOM) != NULL &&
           strcmp(head->name, name) == 0;
}

/* Notes that this process has the section's file open as fd. Entries of processes that are no more
 * are used again. Each entry is locked while it is changed; nobody waits for one. */
static void register_holder(int data_fd, const struct head *head, int fd)
{
    const struct holder mine = { host_process(), fd };
    size_t done;
    for (size_t i = 0; i < HOLDERS; i++) {
        struct holder now;
        uint64_t at = offsetof(struct head, holders) + i * sizeof(now);
        if (host_process_exists(head->holders[i].process) ||
            !host_bytes_lock(data_fd, at, sizeof(now)))
            continue;
        bool unused = host_file_read(data_fd, &now, sizeof(now), (int64_t)at, &done) == 0 &&
                      now.process == head->holders[i].process;
        if (unused)
            host_file_write(data_fd, &mine, sizeof(mine), (int64_t)at, &done);
        host_bytes_unlock(data_fd, at, sizeof(now));
        if (unused)
            return;
    }
}

/* owner: of the object file. A file that is reached by a path from another user's head must be that
 * user's own: else he could make us map and change a file of ours. */
static bool open_described_file(const struct head *head, uint32_t owner, bool write, int *fd)
{
    bool own = owner == host_user();
    if (head->path[0] == '/' && host_file_open_same(head->path, head->device, head->inode,
                                                    own ? HOST_ANY_OWNER : owner, write, fd) == 0)
        return true;
    for (size_t i = 0; i < HOLDERS && own; i++) {
        const struct holder *holder = &head->holders[i];
        if (holder->process != 0 && host_file_of_process(holder->process, holder->fd, head->device,
                                                         head->inode, write, fd) == 0)
            return true;
    }
    return false;
}

static bool wants_write(DWORD protect)
{
    return protect == PAGE_READWRITE || protect == PAGE_EXECUTE_READWRITE;
}

static bool open_file_of(struct section *section, const struct head *head, uint32_t owner,
                         const struct section *fresh)
{
    struct host_file_info info;
    bool write = wants_write(head->protect);
    bool open = fresh != NULL && section->shared.created
                    ? host_file_reopen(fresh->fd, write, &section->fd) == 0
                    : open_described_file(head, owner, write, &section->fd);
    return open && host_file_info(section->fd, &info) == 0 && info.size >= head->size;
}

static DWORD attach_file(struct section *section, const struct head *head, uint32_t owner,
                         const struct section *fresh)
{
    int data_fd = section->shared.data_fd;
    bool open = open_file_of(section, head, owner, fresh);
    if (open) {
        section->is_file = true;
        host_mark_set(section->fd, 1u << OS_MARK_MAPPED);
        if (owner == host_user())
            register_holder(data_fd, head, section->fd);
    }
    host_file_close(data_fd);
    return open ? 0 : ERROR_ACCESS_DENIED;
}

static DWORD attach_memory(struct section *section, const struct head *head)
{
    uintptr_t address = 0;
    section->fd = section->shared.data_fd;
    section->start = HEAD_BYTES + head->committed_bytes;
    section->committed_bytes = head->committed_bytes;
    if (head->committed_bytes == 0)
        return 0;
    if (host_map_file(&address, head->committed_bytes, OS_READ | OS_WRITE, OS_NEAR, section->fd,
                      HEAD_BYTES, false) != 0)
        return ERROR_NOT_ENOUGH_MEMORY;
    section->committed = (_Atomic uint64_t *)address;
    return 0;
}

static bool read_head(int fd, struct head *head, struct host_file_info *info)
{
    size_t done;
    return host_file_read(fd, head, sizeof(*head), 0, &done) == 0 && done == sizeof(*head) &&
           host_file_info(fd, info) == 0;
}

/* Fills the section in from the object's head. */
static DWORD attach(struct section *section, const char *name, const struct section *fresh,
                    struct head *head)
{
    struct host_file_info info;
    int data_fd = section->shared.data_fd;
    if (!read_head(data_fd, head, &info) || !head_is_sound(head, name, info.size)) {
        host_file_close(data_fd);
        return ERROR_ACCESS_DENIED;
    }
    section->size = head->size;
    section->protect = head->protect;
    section->flags = head->flags;
    return head->is_file ? attach_file(section, head, info.owner, fresh)
                         : attach_memory(section, head);
}

static void describe(struct head *head, const char *name, const struct section *fresh)
{
    struct host_file_info info;
    memset(head, 0, sizeof(*head));
    head->magic = HEAD_MAGIC;
    head->size = fresh->size;
    head->protect = fresh->protect;
    head->flags = fresh->flags;
    head->is_file = fresh->is_file;
    strncpy(head->name, name, NAME_ROOM - 1);
    if (!fresh->is_file) {
        head->committed_bytes = section_committed_bytes(fresh->size, fresh->flags);
        return;
    }
    if (host_file_info(fresh->fd, &info) == 0) {
        head->device = info.device;
        head->inode = info.inode;
    }
    if (host_file_path(fresh->fd, head->path, sizeof(head->path)) != 0)
        head->path[0] = '\0';
}

static DWORD object_error(int error)
{
    return error == ENOSPC || error == EFBIG || error == EDQUOT ? ERROR_COMMITMENT_LIMIT
                                                                : win32_error(error);
}

static DWORD open_object(struct section *section, const char *name, const struct section *fresh,
                         struct head *head)
{
    struct host_object_plan plan = { .head = head, .head_size = sizeof(*head) };
    if (fresh != NULL) {
        describe(head, name, fresh);
        plan.size = bytes_in_file(head);
        plan.reserve = (fresh->flags & SEC_RESERVE) == 0;
    }
    encode_name(name, section->name);
    int error = host_object_open(section->name, section->global, fresh != NULL ? &plan : NULL,
                                 &section->shared);
    if (error == 0)
        return attach(section, name, fresh, head);
    meta_free(section->name, SECTION_NAME_ROOM);
    section->name = NULL;
    return object_error(error);
}

DWORD section_named(const char *name, const struct section *fresh, struct section **out,
                    bool *existed)
{
    bool global;
    DWORD error = split_name(&name, &global);
    if (error != 0)
        return error;
    struct section *section = section_alloc(0, 0, 0);
    struct head *head = meta_alloc(sizeof(*head));
    if (section != NULL) {
        section->global = global;
        section->name = meta_alloc(SECTION_NAME_ROOM);
    }
    error = ERROR_NOT_ENOUGH_MEMORY;
    if (section != NULL && head != NULL && section->name != NULL)
        error = open_object(section, name, fresh, head);
    meta_free(head, sizeof(*head));
    if (error != 0 && section != NULL)
        object_release(&section->object);
    if (error == 0) {
        *existed = !section->shared.created;
        *out = section;
    }
    return error;
}
