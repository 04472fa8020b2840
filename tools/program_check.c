/* SPDX-License-Identifier: MIT */
/* program_check.c: refuses the programs that would run without the library, or not at all, because
 * there is no dynamic loader to load it, or the loader must not. */
#include "program.h"

#include "command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    HEAD = 256,       /* what the kernel reads of a script's first line */
    SCRIPTS_MOST = 5, /* interpreters that are scripts again: the kernel's limit */
};

/* The file under examination: the program, or the interpreter of the script before it. */
struct subject {
    char path[PATH_MAX];
    const char *program; /* what the user asked to run */
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct subject *subject,
                                                        const char *format, ...)
{
    char reason[PATH_MAX + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    if (strcmp(subject->path, subject->program) == 0)
        warnx("%s: %s", subject->program, reason);
    else
        warnx("%s: its interpreter %s: %s", subject->program, subject->path, reason);
    return STATUS_NOT_RUNNABLE;
}

/* The loader ignores LD_PRELOAD when the kernel says AT_SECURE, which it does when the effective
 * identity after exec is not the real one. So root may well preload a program that is set-user-id
 * root; and no_new_privs and nosuid mounts take the bits' meaning away. */
static bool changes_identity(const struct stat *status, bool nosuid)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (!nosuid && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        if (status->st_mode & S_ISUID)
            user = status->st_uid;
        if ((status->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
            group = status->st_gid;
    }
    return user != getuid() || group != getgid();
}

/* For everybody but root, capabilities in the file mean AT_SECURE too. */
static bool gains_capabilities(const char *path, bool nosuid)
{
    return !nosuid && getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

static int check_identity(const struct subject *subject)
{
    struct stat status;
    struct statvfs mount;
    if (stat(subject->path, &status) != 0)
        return refuse(subject, "%s", strerror(errno));
    bool nosuid = statvfs(subject->path, &mount) == 0 && (mount.f_flag & ST_NOSUID);
    if (changes_identity(&status, nosuid))
        return refuse(subject, "set-user-id or set-group-id; no library can be preloaded into it");
    if (gains_capabilities(subject->path, nosuid))
        return refuse(subject, "has file capabilities; no library can be preloaded into it");
    return 0;
}

static int check_elf(const struct subject *subject, int fd, const struct library *library)
{
    struct elf_file elf;
    if (!elf_read(fd, &elf))
        return refuse(subject, "damaged ELF file");
    if (!elf_same_machine(&elf, &library->elf))
        return refuse(subject, "%s program, but %s is %s", elf_machine_text(&elf).text,
                      library->path, elf_machine_text(&library->elf).text);
    if (elf_is_static(&elf))
        return refuse(subject, "statically linked; no library can be preloaded into it");
    if (library->glibc && strstr(elf.interpreter, "/ld-musl-"))
        return refuse(subject, "a program of musl, but %s is of glibc", library->path);
    if (elf.interpreter[0] && access(elf.interpreter, F_OK) != 0)
        return refuse(subject, "its loader %s: %s", elf.interpreter, strerror(errno));
    return check_identity(subject);
}

/* Takes the interpreter out of a script's first line, as the kernel does: blanks before it are
 * skipped, a blank or the line's end ends it. */
static bool script_interpreter(char *head, char path[PATH_MAX])
{
    char *at = head + 2 + strspn(head + 2, " \t");
    size_t length = strcspn(at, " \t\n");
    memcpy(path, at, length);
    path[length] = '\0';
    return length > 0;
}

/* Returns the exit status, or -1 when subject was a script and is now its interpreter. */
static int check_file(struct subject *subject, int fd, const struct library *library)
{
    char head[HEAD] = "";
    (void)!pread(fd, head, sizeof head - 1, 0); /* an unreadable file is left to execve */
    if (memcmp(head, "\177ELF", 4) == 0)
        return check_elf(subject, fd, library);
    if (head[0] != '#' || head[1] != '!' || !script_interpreter(head, subject->path))
        strcpy(subject->path, "/bin/sh"); /* as execvp does; what is no text fails later */
    return -1;
}

static int check_once(struct subject *subject, const struct library *library)
{
    int error = program_error(subject->path);
    if (error)
        return refuse(subject, "%s", strerror(error));
    int fd = open(subject->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return check_identity(subject); /* executable without being readable */
    int status = check_file(subject, fd, library);
    close(fd);
    return status;
}

int program_check(const char *path, const struct library *library)
{
    struct subject subject = { .program = path };
    snprintf(subject.path, sizeof subject.path, "%s", path);
    for (int depth = 0; depth <= SCRIPTS_MOST; depth++) {
        int status = check_once(&subject, library);
        if (status >= 0)
            return status;
    }
    return refuse(&subject, "a script too, the last of too many");
}
