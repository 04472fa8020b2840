/* SPDX-License-Identifier: MIT */
/* named.c: sections that processes find by name. The object file (see host_object.c) is laid out
 * so:
 *
 *     0        head: sizes, protection, the exact name; for a section of a file, how to reach it
 *     64 KiB   SEC_RESERVE: a bit a page, set when committed; whole granules
 *     then     the data, for a section of memory
 *
 * A section of a file is reached through its path, or when the path leads elsewhere by now, through
 * a process that has it open; both are taken only if they lead to the very same file. */
#include "win32/section/section.h"

#include "win32/host/host_map.h"
#include "win32/host/meta.h"

#include <stdio.h>
#include <string.h>

#define HEAD_BYTES   GRANULE_BYTES
#define HEAD_MAGIC   UINT64_C(0x3153574f52524142) /* "BARROWS1" */
#define NAME_ROOM    1024
#define ENCODED_ROOM 256
#define HOLDERS      64

struct holder {
    atomic_int process;
    atomic_int fd;
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
    const size_t most = ENCODED_ROOM - 8; /* room for the number that host_object.c may add */
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

static struct head *map_head(int fd)
{
    uintptr_t address = 0;
    int error = host_map_file(&address, HEAD_BYTES, OS_READ | OS_WRITE, OS_NEAR, fd, 0, false);
    return error == 0 ? (struct head *)address : NULL;
}

static void unmap_head(struct head *head)
{
    host_unmap((uintptr_t)head, HEAD_BYTES);
}

/* Another user may have written the head of a global object: nothing in it is believed unless it
 * agrees with the file's size, and it is copied before it is judged. */
static bool head_is_sound(const struct head *head, const char *name, uint64_t file_size)
{
    uint64_t data = head->is_file ? 0 : round_up(head->size, PAGE_BYTES);
    if (head->magic != HEAD_MAGIC || head->size == 0 || head->size > (uint64_t)1 << 60)
        return false;
    if ((head->flags & SEC_RESERVE) != 0 && head->committed_bytes < head->size / PAGE_BYTES / 8 + 8)
        return false;
    if (head->committed_bytes > file_size || !is_aligned(head->committed_bytes, GRANULE_BYTES))
        return false;
    if (HEAD_BYTES + head->committed_bytes + data > file_size)
        return false;
    return memchr(head->name, '\0', NAME_ROOM) != NULL && strcmp(head->name, name) == 0 &&
           memchr(head->path, '\0', sizeof(head->path)) != NULL;
}

static void register_holder(struct head *head, int fd)
{
    for (size_t i = 0; i < HOLDERS; i++) {
        int expected = 0;
        if (atomic_compare_exchange_strong(&head->holders[i].process, &expected, host_process())) {
            atomic_store(&head->holders[i].fd, fd);
            return;
        }
    }
    head->holders[0].process = host_process(); /* full of the dead: any entry will do */
    head->holders[0].fd = fd;
}

/* owner: of the object file. A file that is reached by a path from another user's head must be that
 * user's own: else he could make us map and change a file of ours. */
static int open_described_file(struct head *shared, const struct head *head, uint32_t owner,
                               bool write, int *fd)
{
    struct host_file_info info;
    if (host_file_open(head->path, write, OS_OPEN_EXISTING, false, false, fd) == 0) {
        bool same = host_file_info(*fd, &info) == 0 && info.device == head->device &&
                    info.inode == head->inode;
        if (same && (owner == host_user() || owner == info.owner))
            return 0;
        host_file_close(*fd);
        if (same)
            return 1;
    }
    for (size_t i = 0; i < HOLDERS && owner == host_user(); i++) {
        int process = shared->holders[i].process, number = shared->holders[i].fd;
        if (process != 0 &&
            host_file_of_process(process, number, head->device, head->inode, write, fd) == 0)
            return 0;
    }
    return 1;
}

static bool wants_write(DWORD protect)
{
    return protect == PAGE_READWRITE || protect == PAGE_EXECUTE_READWRITE;
}

static DWORD attach_file(struct section *section, struct head *shared, const struct head *head,
                         uint32_t owner, const struct section *fresh)
{
    int error =
        fresh != NULL && section->shared.created
            ? host_file_reopen(fresh->fd, wants_write(head->protect), &section->fd)
            : open_described_file(shared, head, owner, wants_write(head->protect), &section->fd);
    if (error != 0) {
        section->fd = -1;
        return ERROR_ACCESS_DENIED;
    }
    host_file_close(section->shared.data_fd);
    section->is_file = true;
    host_mark_set(section->fd, 1u << OS_MARK_MAPPED);
    register_holder(shared, section->fd);
    return 0;
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

/* Fills the section in from the object's head. */
static DWORD attach(struct section *section, const char *name, const struct section *fresh,
                    struct head *copy)
{
    struct host_file_info info;
    int data_fd = section->shared.data_fd;
    struct head *shared = map_head(data_fd);
    DWORD error = ERROR_ACCESS_DENIED;
    if (shared == NULL || host_file_info(data_fd, &info) != 0 || info.size < HEAD_BYTES) {
        host_file_close(data_fd);
    } else {
        memcpy(copy, shared, sizeof(*copy));
        section->size = copy->size;
        section->protect = copy->protect;
        section->flags = copy->flags;
        if (!head_is_sound(copy, name, info.size))
            host_file_close(data_fd);
        else if (copy->is_file)
            error = attach_file(section, shared, copy, info.owner, fresh);
        else
            error = attach_memory(section, copy);
    }
    if (shared != NULL)
        unmap_head(shared);
    return error;
}

static uint64_t describe(struct head *head, const char *name, const struct section *fresh)
{
    struct host_file_info info;
    memset(head, 0, sizeof(*head));
    head->magic = HEAD_MAGIC;
    head->size = fresh->size;
    head->protect = fresh->protect;
    head->flags = fresh->flags;
    head->is_file = fresh->is_file;
    strncpy(head->name, name, NAME_ROOM - 1);
    if (fresh->is_file) {
        if (host_file_info(fresh->fd, &info) == 0) {
            head->device = info.device;
            head->inode = info.inode;
        }
        host_file_path(fresh->fd, head->path, sizeof(head->path));
        return HEAD_BYTES;
    }
    if ((fresh->flags & SEC_RESERVE) != 0)
        head->committed_bytes = round_up(fresh->size / PAGE_BYTES / 8 + 16, GRANULE_BYTES);
    return HEAD_BYTES + head->committed_bytes + round_up(fresh->size, PAGE_BYTES);
}

static DWORD open_object(struct section *section, const char *name, const struct section *fresh,
                         struct head *head)
{
    uint64_t bytes = fresh != NULL ? describe(head, name, fresh) : 0;
    encode_name(name, section->name);
    int error = host_object_open(section->name, section->global, fresh != NULL ? head : NULL,
                                 sizeof(*head), bytes, &section->shared);
    if (error == 0)
        return attach(section, name, fresh, head);
    meta_free(section->name, ENCODED_ROOM);
    section->name = NULL;
    return win32_error(error);
}

DWORD section_named(const char *name, const struct section *fresh, struct section **out,
                    bool *existed)
{
    bool global;
    DWORD error = split_name(&name, &global);
    if (error != 0)
        return error;
    struct section *section = meta_alloc(sizeof(*section));
    struct head *head = meta_alloc(sizeof(*head));
    if (section != NULL) {
        object_init(&section->object, OBJECT_SECTION);
        section->fd = section->shared.lock_fd = section->spare_lock = -1;
        section->global = global;
        section->name = meta_alloc(ENCODED_ROOM);
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
