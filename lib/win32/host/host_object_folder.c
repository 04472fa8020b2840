/* SPDX-License-Identifier: MIT */
/* host_object_folder.c: the folders of named objects, and the look for dead objects in them.
 *
 * A folder is used only if no other user can take its entries away or exchange them: the user's own
 * belongs to him and is closed to others; that for everyone belongs to root, or to the user, and is
 * sticky. When someone else took its name, the next N serves. Root's folder for everyone comes before
 * the user's own, so that all agree on it once root has made one. */
#include "win32/host/host_object.h"

#include "win32/host/host_call.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT         "/dev/shm/barrow-"
#define FOLDER_TRIES 64
#define FOLDER_ROOM  64

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1 /* linux/fs.h's: not every C library comes with the kernel's headers */
#endif

static void folder_path(bool global, unsigned n, char path[FOLDER_ROOM])
{
    char user[16];
    snprintf(user, sizeof(user), "%u", (unsigned)host_user());
    if (n == 0)
        snprintf(path, FOLDER_ROOM, ROOT "%s", global ? "global" : user);
    else
        snprintf(path, FOLDER_ROOM, ROOT "%s.%u", global ? "global" : user, n);
}

static bool is_safe(int folder, bool global, uint32_t owner)
{
    struct stat s;
    if (fstat(folder, &s) != 0 || s.st_uid != owner)
        return false;
    return global ? (s.st_mode & 01777) == 01777 : (s.st_mode & 077) == 0;
}

/* The folder at the path, if it is one that the owner has made; else -1. */
static int open_if_safe(const char *path, bool global, uint32_t owner)
{
    int folder = (int)call_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (folder < 0)
        return -1;
    if (is_safe(folder, global, owner))
        return folder;
    call_close(folder);
    return -1;
}

static int find_folder(bool global, uint32_t owner)
{
    char path[FOLDER_ROOM];
    for (unsigned n = 0; n < FOLDER_TRIES; n++) {
        folder_path(global, n, path);
        int folder = open_if_safe(path, global, owner);
        if (folder >= 0)
            return folder;
    }
    return -1;
}

/* Under another name first, so that nobody meets it with the modes that the umask leaves. */
static void make_global_folder(const char *path)
{
    char draft[] = ROOT "draft.XXXXXX";
    if (mkdtemp(draft) == NULL)
        return;
    if (chmod(draft, 01777) != 0 || syscall6(SYS_renameat2, AT_FDCWD, (long)draft, AT_FDCWD,
                                             (long)path, RENAME_NOREPLACE, 0) != 0)
        rmdir(draft); /* another process was quicker */
}

static int make_folder(bool global)
{
    char path[FOLDER_ROOM];
    for (unsigned n = 0; n < FOLDER_TRIES; n++) {
        folder_path(global, n, path);
        if (global)
            make_global_folder(path);
        else
            mkdir(path, 0700);
        int folder = open_if_safe(path, global, host_user());
        if (folder >= 0)
            return folder;
    }
    return -1;
}

/* All numbers are looked at before a folder is made, so that every process finds the same. */
int host_object_folder(bool global, int *folder)
{
    *folder = global ? find_folder(true, 0) : -1;
    if (*folder < 0)
        *folder = find_folder(global, host_user());
    if (*folder < 0)
        *folder = make_folder(global);
    return *folder >= 0 ? 0 : EACCES;
}

/* --- dead objects ---------------------------------------------------------------------------- */

/* A look through n entries is followed by n / LOOKED_AT openings without one, so each opening pays
 * for some LOOKED_AT entries however many names are in use. */
#define LOOKED_AT 16

static atomic_uint until_sweep[2]; /* openings; by whether the folder is everyone's */

/* A file that another user owns can't be removed, but by root, and is not even opened. */
static bool may_remove(int seen)
{
    struct host_file_info info;
    return host_file_info(seen, &info) == 0 && info.is_regular &&
           (info.owner == host_user() || host_user() == 0);
}

/* The exclusive lock makes those wait that would open the file now; see join in host_object.c. */
static void remove_if_dead(int folder, const char *name)
{
    int seen = (int)call_openat(folder, name, O_PATH | O_NOFOLLOW, 0);
    if (seen < 0)
        return;
    int fd = may_remove(seen) ? (int)call_reopen(seen, O_RDONLY | O_NONBLOCK) : -1;
    call_close(seen);
    if (fd < 0)
        return;
    if (host_try_lock(fd, LOCK_EX))
        host_remove_name(folder, name, fd);
    call_close(fd);
}

struct folder_entry { /* the kernel's */
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static unsigned sweep_entries(int folder, const char *entries, long bytes)
{
    unsigned count = 0;
    for (long at = 0; at < bytes; count++) {
        struct folder_entry entry;
        memcpy(&entry, entries + at, offsetof(struct folder_entry, name));
        if (entry.type == 8 /* regular */ || entry.type == 0 /* not known */)
            remove_if_dead(folder, entries + at + offsetof(struct folder_entry, name));
        at += entry.length;
    }
    return count;
}

void host_object_sweep(int folder, bool global)
{
    char entries[4096];
    long bytes;
    unsigned count = 0;
    unsigned left = atomic_load_explicit(&until_sweep[global], memory_order_relaxed);
    if (left != 0) {
        atomic_store_explicit(&until_sweep[global], left - 1, memory_order_relaxed);
        return;
    }
    while ((bytes = syscall4(SYS_getdents64, folder, (long)entries, sizeof(entries), 0)) > 0)
        count += sweep_entries(folder, entries, bytes);
    atomic_store_explicit(&until_sweep[global], count / LOOKED_AT, memory_order_relaxed);
}
