/* SPDX-License-Identifier: MIT */
/* file.c: opening, closing and removing files.
 *
 * Sharing: each opening sets marks on the file for what it does and for what it denies others, and
 * then looks for marks of others that conflict; see host_file.h. Marks first, then looking: of two
 * openings at the same time at least one sees the other. When both do, both step back and try again
 * after a while. */
#include "win32/file/file.h"
#include "win32/host/text.h"

#include "barrow/winbase.h"
#include "win32/host/host_file.h"
#include "win32/host/meta.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define SHARE_TRIES 50
#define OPEN_TRIES  100 /* of a file that comes and goes, or of links that lead on */

static THREAD_LOCAL bool last_open_failed;

bool file_last_open_failed(void)
{
    bool failed = last_open_failed;
    last_open_failed = false;
    return failed;
}

DWORD file_rights(DWORD access)
{
    DWORD rights = access & 0x1FFFFFu;
    if ((access & (GENERIC_READ | GENERIC_ALL)) != 0)
        rights |= FILE_READ_DATA;
    if ((access & (GENERIC_WRITE | GENERIC_ALL)) != 0)
        rights |= FILE_WRITE_DATA | FILE_APPEND_DATA;
    if ((access & (GENERIC_EXECUTE | GENERIC_ALL)) != 0)
        rights |= FILE_EXECUTE;
    if ((access & GENERIC_ALL) != 0)
        rights |= DELETE;
    return rights;
}

#define READS  (FILE_READ_DATA | FILE_EXECUTE)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA)

struct opening {
    char path[TEXT_ROOM];
    DWORD rights;
    DWORD share;
    DWORD disposition;
    DWORD flags;
    bool existed;
    int fd;
};

DWORD file_path_error(const char *path, int error)
{
    struct host_file_info info;
    char folder[TEXT_ROOM];
    if (error != ENOENT)
        return win32_error(error);
    strcpy(folder, path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return ERROR_FILE_NOT_FOUND;
    *slash = '\0';
    return host_file_info_at(folder, &info) == 0 && info.is_directory ? ERROR_FILE_NOT_FOUND
                                                                      : ERROR_PATH_NOT_FOUND;
}

static unsigned open_flags(const struct opening *o)
{
    unsigned flags = (o->flags & FILE_FLAG_WRITE_THROUGH) != 0 ? HOST_OPEN_WRITE_THROUGH : 0;
    return (o->rights & WRITES) == FILE_APPEND_DATA ? flags | HOST_OPEN_APPEND : flags;
}

/* The kernel lets only readers set marks, so a writer opens for reading too, if he may. */
static int open_present(struct opening *o)
{
    bool write = (o->rights & WRITES) != 0;
    unsigned flags = open_flags(o);
    int error = host_file_open(o->path, flags | (write ? HOST_OPEN_WRITE : 0), &o->fd);
    if (error == EACCES && write && (o->rights & READS) == 0)
        error = host_file_open(o->path, flags | HOST_OPEN_WRITE_ONLY, &o->fd);
    return error;
}

static int open_new(struct opening *o)
{
    unsigned mode = (o->flags & FILE_ATTRIBUTE_READONLY) != 0 ? HOST_OPEN_READ_ONLY_FILE : 0;
    return host_file_open(o->path, open_flags(o) | HOST_OPEN_WRITE | HOST_OPEN_NEW | mode, &o->fd);
}

/* Creation never takes a file that someone else put there meanwhile: new and existing stay apart. A
 * name that can be neither opened nor created is a link whose target is missing: then the target is
 * created. */
static int open_either(struct opening *o)
{
    for (unsigned i = 0; i < OPEN_TRIES; i++) {
        o->existed = true;
        int error = open_present(o);
        if (error != ENOENT)
            return error;
        o->existed = false;
        error = open_new(o);
        if (error != EEXIST)
            return error;
        error = host_file_follow_link(o->path, sizeof(o->path));
        if (error == ENAMETOOLONG)
            return error;
    }
    return ELOOP;
}

static DWORD open_by_disposition(struct opening *o)
{
    int error;
    o->existed = true;
    switch (o->disposition) {
    case CREATE_NEW:
        o->existed = false;
        error = open_new(o);
        break;
    case CREATE_ALWAYS:
        o->rights |= FILE_WRITE_DATA; /* for the truncation; the handle keeps what was asked for */
        error = open_either(o);
        break;
    case OPEN_ALWAYS:
        error = open_either(o);
        break;
    default:
        error = open_present(o);
        break;
    }
    return error != 0 ? file_path_error(o->path, error) : 0;
}

static void share_marks(DWORD rights, DWORD share, unsigned *set, unsigned *conflict)
{
    unsigned uses = ((rights & READS) != 0 ? 1u << OS_MARK_READS : 0) |
                    ((rights & WRITES) != 0 ? 1u << OS_MARK_WRITES : 0) |
                    ((rights & DELETE) != 0 ? 1u << OS_MARK_DELETES : 0);
    unsigned denied = ~share & (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    *set = uses | denied << OS_MARK_DENIES_READ;
    *conflict = denied | uses << OS_MARK_DENIES_READ;
}

/* An opening that neither reads, writes nor deletes takes no part. */
static DWORD claim_share(int fd, DWORD rights, DWORD share)
{
    unsigned set, conflict;
    if ((rights & (READS | WRITES | DELETE)) == 0)
        return 0;
    share_marks(rights, share, &set, &conflict);
    for (unsigned i = 0; i < SHARE_TRIES; i++) {
        host_mark_set(fd, set);
        if (!host_mark_seen(fd, conflict))
            return 0;
        host_mark_clear(fd);
        sched_yield();
    }
    return ERROR_SHARING_VIOLATION;
}

/* Cutting a file below a mapping would make the views fault. */
static DWORD truncate_unmapped(int fd)
{
    if (host_mark_seen(fd, 1u << OS_MARK_MAPPED))
        return ERROR_USER_MAPPED_FILE;
    int error = host_file_resize(fd, 0);
    return error != 0 && error != EINVAL ? win32_error(error) : 0;
}

static DWORD truncate_if_wanted(const struct opening *o)
{
    if (!o->existed || (o->disposition != CREATE_ALWAYS && o->disposition != TRUNCATE_EXISTING))
        return 0;
    if (host_size_lock(o->fd, true) != 0)
        return ERROR_LOCK_VIOLATION;
    DWORD error = truncate_unmapped(o->fd);
    host_size_unlock(o->fd);
    return error;
}

static DWORD settle(struct opening *o, DWORD rights)
{
    struct host_file_info info;
    int error = host_file_info(o->fd, &info);
    if (error != 0)
        return win32_error(error);
    if (info.is_directory && (o->flags & FILE_FLAG_BACKUP_SEMANTICS) == 0)
        return ERROR_ACCESS_DENIED;
    DWORD denied = claim_share(o->fd, rights, o->share);
    return denied != 0 ? denied : truncate_if_wanted(o);
}

static struct file *make_file(const struct opening *o)
{
    struct file *file = meta_alloc(sizeof(*file));
    if (file == NULL)
        return NULL;
    object_init(&file->object, &file_kind);
    file->fd = -1;
    file->owner = host_process();
    file->delete_on_close = (o->flags & FILE_FLAG_DELETE_ON_CLOSE) != 0;
    file->overlapped = (o->flags & FILE_FLAG_OVERLAPPED) != 0;
    return file;
}

static DWORD open_and_settle(struct opening *o, struct file *file)
{
    DWORD rights = o->rights;
    DWORD error = open_by_disposition(o);
    if (error != 0)
        return error;
    file->fd = o->fd;
    return settle(o, rights);
}

/* All that may lack is there before the file is: a new file would have to be removed again, by a name
 * that may be another program's by then. A new file that somebody else has opened first, and shares
 * with nobody, stays. */
static DWORD open_file(struct opening *o, HANDLE *handle)
{
    DWORD rights = o->rights;
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    struct file *file = make_file(o);
    HANDLE reserved = file != NULL ? handle_reserve() : NULL;
    if (reserved != NULL)
        error = open_and_settle(o, file);
    if (error == 0) {
        handle_publish(reserved, &file->object, rights);
        *handle = reserved;
    } else if (reserved != NULL) {
        handle_drop(reserved);
    }
    if (file != NULL)
        object_release(&file->object);
    return error;
}

static DWORD create_file(LPCSTR name, DWORD access, DWORD share, DWORD disposition, DWORD flags,
                         HANDLE *handle)
{
    struct opening o;
    if (name == NULL || *name == '\0')
        return ERROR_PATH_NOT_FOUND;
    if (disposition < CREATE_NEW || disposition > TRUNCATE_EXISTING || (share & ~7u) != 0)
        return ERROR_INVALID_PARAMETER;
    if (!text_path(name, o.path, sizeof(o.path)))
        return ERROR_FILENAME_EXCED_RANGE;
    o.rights = file_rights(access);
    if ((flags & FILE_FLAG_DELETE_ON_CLOSE) != 0)
        o.rights |= DELETE;
    if (disposition == TRUNCATE_EXISTING && (o.rights & FILE_WRITE_DATA) == 0)
        return ERROR_INVALID_PARAMETER;
    o.share = share;
    o.disposition = disposition;
    o.flags = flags;
    DWORD error = open_file(&o, handle);
    if (error == 0 && (disposition == CREATE_ALWAYS || disposition == OPEN_ALWAYS))
        SetLastError(o.existed ? ERROR_ALREADY_EXISTS : NO_ERROR);
    return error;
}

HANDLE CreateFileA(LPCSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES attributes,
                   DWORD disposition, DWORD flags, HANDLE model)
{
    HANDLE handle = NULL;
    (void)attributes, (void)model;
    DWORD error = create_file(name, access, share, disposition, flags, &handle);
    last_open_failed = error != 0;
    if (error == 0)
        return handle;
    SetLastError(error);
    return INVALID_HANDLE_VALUE;
}

HANDLE CreateFileW(LPCWSTR name, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES attributes,
                   DWORD disposition, DWORD flags, HANDLE model)
{
    char narrow[TEXT_ROOM];
    if (name != NULL && !text_from_utf16(name, narrow, sizeof(narrow))) {
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return INVALID_HANDLE_VALUE;
    }
    return CreateFileA(name != NULL ? narrow : NULL, access, share, attributes, disposition, flags,
                       model);
}

/* A forked child shares the opening with its parent, and with it the marks: only the process that
 * made them takes them back before the descriptor itself goes. */
static void file_last_handle(struct object *object)
{
    struct file *file = (struct file *)object;
    if (file->owner != host_process())
        return;
    host_mark_clear(file->fd);
    if (file->delete_on_close)
        host_file_remove_open(file->fd);
}

static void file_destroy(struct object *object)
{
    struct file *file = (struct file *)object;
    file_free_ranges(file);
    host_file_close(file->fd);
    meta_free(file, sizeof(*file));
}

/* The descriptor cannot be given rights that it was not opened with. */
static bool file_may_grant(DWORD own, DWORD *wanted)
{
    *wanted = file_rights(*wanted);
    return (*wanted & ~own) == 0;
}

const struct object_kind file_kind = { .last_handle = file_last_handle,
                                       .destroy = file_destroy,
                                       .may_grant = file_may_grant };

static struct file *file_if(struct object *object, bool allowed)
{
    if (object == NULL)
        return fail_null(ERROR_INVALID_HANDLE);
    if (allowed)
        return (struct file *)object;
    object_release(object);
    return fail_null(ERROR_ACCESS_DENIED);
}

struct file *file_of(HANDLE handle, DWORD rights)
{
    DWORD access = 0;
    struct object *object = handle_object(handle, &file_kind, &access);
    return file_if(object, (access & rights) == rights);
}

struct file *file_for_writing(HANDLE handle, bool *append)
{
    DWORD access = 0;
    struct object *object = handle_object(handle, &file_kind, &access);
    *append = (access & WRITES) == FILE_APPEND_DATA;
    return file_if(object, (access & WRITES) != 0);
}

static DWORD may_delete(int fd)
{
    if (host_mark_seen(fd, 1u << OS_MARK_DENIES_DELETE))
        return ERROR_SHARING_VIOLATION;
    return host_mark_seen(fd, 1u << OS_MARK_MAPPED) ? ERROR_ACCESS_DENIED : 0;
}

/* A file that may not be read has no marks either, and links and FIFOs have none: they go unasked. A
 * link is removed, and not what it leads to. */
static DWORD delete_file(const char *path)
{
    struct host_file_info info;
    int fd;
    int error = host_file_info_of_link(path, &info);
    if (error == 0 && info.is_directory)
        error = EACCES;
    if (error != 0)
        return file_path_error(path, error);
    if (info.is_regular &&
        host_file_open_same(path, info.device, info.inode, HOST_ANY_OWNER, false, &fd) == 0) {
        DWORD denied = may_delete(fd);
        host_file_close(fd);
        if (denied != 0)
            return denied;
    }
    error = host_file_remove(path);
    return error != 0 ? file_path_error(path, error) : 0;
}

BOOL DeleteFileA(LPCSTR name)
{
    char path[TEXT_ROOM];
    if (name == NULL || *name == '\0')
        return fail(ERROR_PATH_NOT_FOUND);
    if (!text_path(name, path, sizeof(path)))
        return fail(ERROR_FILENAME_EXCED_RANGE);
    DWORD error = delete_file(path);
    return error != 0 ? fail(error) : TRUE;
}

BOOL DeleteFileW(LPCWSTR name)
{
    char narrow[TEXT_ROOM];
    if (name == NULL)
        return fail(ERROR_PATH_NOT_FOUND);
    if (!text_from_utf16(name, narrow, sizeof(narrow)))
        return fail(ERROR_FILENAME_EXCED_RANGE);
    return DeleteFileA(narrow);
}
