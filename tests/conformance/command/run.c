/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- running ---- */

static void clean_environment(void)
{
    char name[256];
    for (char **entry = environ; *entry;) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, "BARROW_", 7) == 0 && length < sizeof name) {
            memcpy(name, *entry, length);
            name[length] = '\0';
            unsetenv(name);
            entry = environ;
        } else {
            entry++;
        }
    }
    unsetenv("LD_PRELOAD");
    setenv("BARROW_LIBRARY", BARROW_FIGURES, 1);
    setenv("LC_ALL", "C", 1);
}

static pid_t spawn(int out, int err, prepare_fn prepare, const char *const argv[])
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    dup2(out, 1);
    dup2(err, 2);
    clean_environment();
    if (prepare)
        prepare();
    execv(argv[0], (char *const *)argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(99);
}

static void read_back(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
    close(fd);
}

void run_prepared(struct outcome *outcome, prepare_fn prepare, const char *const argv[])
{
    int out = memfd_create("out", MFD_CLOEXEC);
    int err = memfd_create("err", MFD_CLOEXEC);
    assert_true(out >= 0 && err >= 0);
    pid_t child = spawn(out, err, prepare, argv);
    assert_int_equal(waitpid(child, &outcome->status, 0), child);
    read_back(out, outcome->out, sizeof outcome->out);
    read_back(err, outcome->err, sizeof outcome->err);
}

void start_prepared(struct running *running, prepare_fn prepare, const char *const argv[])
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    running->pid = spawn(ends[1], ends[1], prepare, argv);
    close(ends[1]);
    running->output = ends[0];
}

/* Returns false at the end of the output: a terminal gives EIO there. */
static bool read_more(int output, char *text, size_t size, size_t *length)
{
    struct pollfd ready = { .fd = output, .events = POLLIN };
    if (poll(&ready, 1, 60000) != 1)
        fail_msg("nothing came within 60 s after: %s", text);
    ssize_t got = read(output, text + *length, size - 1 - *length);
    if (got <= 0)
        return false;
    *length += (size_t)got;
    text[*length] = '\0';
    return true;
}

const char *await_text(int output, const char *text)
{
    static char all[8192];
    size_t length = 0;
    all[0] = '\0';
    while (!strstr(all, text))
        if (!read_more(output, all, sizeof all, &length))
            fail_msg("\"%s\" did not come, but: %s", text, all);
    return all;
}

void await_end(int output)
{
    char text[1024] = "";
    for (size_t length = 0; read_more(output, text, sizeof text, &length); length = 0)
        ;
    close(output);
}

/* ---- asserting ---- */

void assert_exit(int status, int expected)
{
    if (!WIFEXITED(status))
        fail_msg("status %#x is no exit", (unsigned)status);
    assert_int_equal(WEXITSTATUS(status), expected);
}

void assert_signalled(int status, int expected)
{
    if (!WIFSIGNALED(status))
        fail_msg("status %#x is no death by signal", (unsigned)status);
    assert_int_equal(WTERMSIG(status), expected);
}

void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}

void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in: %s", part, text);
}

double figure_after(const char *text, const char *part)
{
    char digits[64];
    size_t length = 0;
    const char *at = strstr(text, part);
    if (!at)
        fail_msg("\"%s\" is not in: %s", part, text);
    for (at += strlen(part); *at && strchr("0123456789.,", *at) && length < sizeof digits - 1; at++)
        if (*at != ',')
            digits[length++] = *at;
    digits[length] = '\0';
    if (length == 0)
        fail_msg("no figure after \"%s\" in: %s", part, text);
    return strtod(digits, NULL);
}

/* ---- files ---- */

static char folder[64];

int folder_make(void **state)
{
    (void)state;
    strcpy(folder, "/var/tmp/barrow-command-XXXXXX");
    return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

int folder_remove(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

const char *in_folder(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *write_to_folder(const char *name, const char *content, size_t length, mode_t mode)
{
    const char *path = in_folder(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

const char *copy_to_folder(const char *from, const char *name, mode_t mode)
{
    struct stat status;
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    size_t length = (size_t)status.st_size;
    char *content = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(content != MAP_FAILED);
    const char *path = write_to_folder(name, content, length, mode);
    munmap(content, length);
    close(fd);
    return path;
}
