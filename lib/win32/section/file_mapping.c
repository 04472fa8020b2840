/* SPDX-License-Identifier: MIT */
/* file_mapping.c: CreateFileMapping and OpenFileMapping: checking what is asked for. */
#include "diag/message.h"
#include "win32/file/file.h"
#include "win32/host/text.h"
#include "win32/section/section.h"
#include "win32/virtual/protect.h"

#include "barrow/sysinfoapi.h"
#include "barrow/winbase.h"

#define SEC_KNOWN                                                                                  \
    (SEC_FILE | SEC_IMAGE | SEC_RESERVE | SEC_COMMIT | SEC_NOCACHE | SEC_WRITECOMBINE |            \
     SEC_LARGE_PAGES)

struct request {
    DWORD protect;
    DWORD flags;
    uint64_t size;
    const char *name;
};

static DWORD check_flags(DWORD flags, bool is_file)
{
    DWORD kind = flags & (SEC_RESERVE | SEC_COMMIT);
    DWORD extra = flags & (SEC_NOCACHE | SEC_WRITECOMBINE | SEC_LARGE_PAGES);
    if ((flags & ~SEC_KNOWN) != 0 || (flags & SEC_FILE) != 0)
        return ERROR_INVALID_PARAMETER;
    if (kind == (SEC_RESERVE | SEC_COMMIT) || ((flags & SEC_IMAGE) != 0 && kind != 0))
        return ERROR_INVALID_PARAMETER;
    if (extra != 0 && kind == 0)
        return ERROR_INVALID_PARAMETER;
    if ((flags & SEC_LARGE_PAGES) != 0)
        return kind == SEC_RESERVE || is_file ? ERROR_INVALID_PARAMETER : ERROR_PRIVILEGE_NOT_HELD;
    return (flags & SEC_IMAGE) != 0 ? ERROR_BAD_EXE_FORMAT : 0;
}

/* The handle's rights follow from the protection, also when the mapping was there before. */
static DWORD handle_rights(DWORD protect)
{
    DWORD rights = SECTION_QUERY | SECTION_MAP_READ;
    if ((protect & PROTECT_WRITE) != 0)
        rights |= SECTION_MAP_WRITE;
    if ((protect & PROTECT_EXECUTE) != 0)
        rights |= SECTION_MAP_EXECUTE;
    return rights;
}

static DWORD file_rights_needed(DWORD protect)
{
    DWORD rights = FILE_READ_DATA;
    if ((protect & PROTECT_WRITE) != 0)
        rights |= FILE_WRITE_DATA;
    if ((protect & PROTECT_EXECUTE) != 0)
        rights |= FILE_EXECUTE;
    return rights;
}

/* Memory is only found to lack when it is touched, and then the process dies: so what could never
 * be there is refused at once. */
#define ALWAYS_THERE ((uint64_t)64 << 20) /* less than any machine has: not worth asking */

static DWORD check_memory(const struct request *r)
{
    MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
    if (r->size == 0)
        return ERROR_INVALID_PARAMETER;
    if (r->size > SECTION_MOST)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (r->size < ALWAYS_THERE || (r->flags & SEC_RESERVE) != 0)
        return 0;
    if (GlobalMemoryStatusEx(&status) && r->size > status.ullTotalPhys + status.ullTotalPageFile)
        return ERROR_COMMITMENT_LIMIT;
    return 0;
}

static DWORD make_memory(const struct request *r, struct section **out, bool *existed)
{
    struct section fresh = { .protect = r->protect,
                             .flags = r->flags,
                             .size = round_up(r->size, PAGE_BYTES) };
    DWORD error = check_memory(r);
    if (error != 0)
        return error;
    if (r->name != NULL)
        return section_named(r->name, &fresh, out, existed);
    return section_new_memory(fresh.size, r->protect, r->flags, out);
}

/* Grows the file to the mapping's size, where the protection allows it; never cuts it: another
 * process may be growing it too. */
static DWORD fit_file(int fd, const struct request *r, uint64_t *size)
{
    struct host_file_info info;
    int error = host_file_info(fd, &info);
    if (error != 0)
        return win32_error(error);
    *size = r->size != 0 ? r->size : info.size;
    if (*size == 0)
        return ERROR_FILE_INVALID;
    if (*size <= info.size)
        return 0;
    if ((r->protect & PROTECT_WRITE) == 0)
        return ERROR_NOT_ENOUGH_MEMORY;
    return host_file_grow(fd, *size) != 0 ? ERROR_DISK_FULL : 0;
}

/* From here on SetEndOfFile and CREATE_ALWAYS leave the file as long as it is: looking at its size
 * and saying that it is mapped are one step to them. */
static DWORD fit_and_mark(int fd, const struct request *r, uint64_t *size)
{
    if (host_size_lock(fd, (r->protect & PROTECT_WRITE) != 0) != 0)
        return ERROR_LOCK_VIOLATION;
    DWORD error = fit_file(fd, r, size);
    if (error == 0)
        host_mark_set(fd, 1u << OS_MARK_MAPPED);
    host_size_unlock(fd);
    return error;
}

/* fresh->fd is open, and is closed or given to the section. */
static DWORD make_of_file(struct section *fresh, const struct request *r, struct section **out,
                          bool *existed)
{
    DWORD error = fit_and_mark(fresh->fd, r, &fresh->size);
    if (error == 0 && r->name == NULL)
        return section_new_file(fresh->fd, fresh->size, r->protect, fresh->flags, out);
    if (error == 0)
        error = section_named(r->name, fresh, out, existed);
    host_file_close(fresh->fd);
    return error;
}

static DWORD map_open_file(const struct file *file, const struct request *r, struct section **out,
                           bool *existed)
{
    struct section fresh = { .protect = r->protect, .flags = SEC_COMMIT, .is_file = true };
    struct host_file_info info;
    int error = host_file_info(file->fd, &info);
    if (error != 0)
        return win32_error(error);
    if (!info.is_regular)
        return ERROR_BAD_EXE_FORMAT;
    if (host_file_reopen(file->fd, (r->protect & PROTECT_WRITE) != 0, &fresh.fd) != 0)
        return ERROR_ACCESS_DENIED;
    return make_of_file(&fresh, r, out, existed);
}

static DWORD make_from_file(HANDLE handle, const struct request *r, struct section **out,
                            bool *existed)
{
    DWORD access;
    struct object *object = handle_object(handle, &file_kind, &access);
    if (object == NULL)
        return ERROR_INVALID_HANDLE;
    DWORD error = (file_rights_needed(r->protect) & ~access) != 0
                      ? ERROR_ACCESS_DENIED
                      : map_open_file((struct file *)object, r, out, existed);
    object_release(object);
    return error;
}

static DWORD make_section(HANDLE file, const struct request *r, struct section **out, bool *existed)
{
    if (file != INVALID_HANDLE_VALUE)
        return make_from_file(file, r, out, existed);
    if (file_last_open_failed())
        message_verbose(1, "CreateFileMapping: the file is INVALID_HANDLE_VALUE, which the failed "
                           "CreateFile before may have returned; a mapping of memory is made");
    return make_memory(r, out, existed);
}

HANDLE CreateFileMappingA(HANDLE file, LPSECURITY_ATTRIBUTES attributes, DWORD protect,
                          DWORD size_high, DWORD size_low, LPCSTR name)
{
    struct section *section = NULL;
    bool existed = false;
    struct request r = { .protect = protect & 0xFFFFu,
                         .flags = protect & ~0xFFFFu,
                         .size = (uint64_t)size_high << 32 | size_low,
                         .name = name != NULL && *name != '\0' ? name : NULL };
    (void)attributes;
    DWORD error = section_protect_is_valid(r.protect) ? 0 : ERROR_INVALID_PARAMETER;
    if (error == 0)
        error = check_flags(r.flags, file != INVALID_HANDLE_VALUE);
    if (error == 0)
        error = make_section(file, &r, &section, &existed);
    if (error != 0)
        return fail_null(error);
    HANDLE handle = handle_open(&section->object, handle_rights(r.protect));
    object_release(&section->object);
    if (handle == NULL)
        return fail_null(ERROR_NOT_ENOUGH_MEMORY);
    SetLastError(existed ? ERROR_ALREADY_EXISTS : NO_ERROR);
    return handle;
}

HANDLE CreateFileMappingW(HANDLE file, LPSECURITY_ATTRIBUTES attributes, DWORD protect,
                          DWORD size_high, DWORD size_low, LPCWSTR name)
{
    char narrow[TEXT_ROOM];
    if (name != NULL && !text_from_utf16(name, narrow, sizeof(narrow)))
        return fail_null(ERROR_FILENAME_EXCED_RANGE);
    return CreateFileMappingA(file, attributes, protect, size_high, size_low,
                              name != NULL ? narrow : NULL);
}

/* What may be mapped through the handle. Windows takes FILE_MAP_COPY alone for reading. */
static DWORD opened_rights(DWORD access)
{
    DWORD rights = section_rights(access) | SECTION_QUERY;
    return (access & ~FILE_MAP_EXECUTE) == FILE_MAP_COPY ? rights | SECTION_MAP_READ : rights;
}

HANDLE OpenFileMappingA(DWORD access, BOOL inherit, LPCSTR name)
{
    struct section *section = NULL;
    bool existed;
    (void)inherit;
    if (name == NULL)
        return fail_null(ERROR_INVALID_PARAMETER);
    DWORD error = section_named(name, NULL, &section, &existed);
    if (error != 0)
        return fail_null(error);
    HANDLE handle = handle_open(&section->object, opened_rights(access));
    object_release(&section->object);
    return handle != NULL ? handle : fail_null(ERROR_NOT_ENOUGH_MEMORY);
}

HANDLE OpenFileMappingW(DWORD access, BOOL inherit, LPCWSTR name)
{
    char narrow[TEXT_ROOM];
    if (name != NULL && !text_from_utf16(name, narrow, sizeof(narrow)))
        return fail_null(ERROR_FILENAME_EXCED_RANGE);
    return OpenFileMappingA(access, inherit, name != NULL ? narrow : NULL);
}
