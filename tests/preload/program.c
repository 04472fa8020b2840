/* SPDX-License-Identifier: MIT */
#include "program.h"
#include "account.h"
#include "folder.h"
#include "process.h"
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char *const path = "/usr/bin:/bin:/usr/sbin:/sbin";

extern char **environ;

/* ---- before ---- */

static bool installed(const char *command)
{
    char candidate[200];
    for (const char *next = path; *next != '\0'; next += *next == ':') {
        int length = (int)strcspn(next, ":");
        snprintf(candidate, sizeof candidate, "%.*s/%s", length, next, command);
        if (access(candidate, X_OK) == 0)
            return true;
        next += length;
    }
    return false;
}

static void check_installed(const struct program *program)
{
    for (size_t i = 0; i < LENGTH(program->needs) && program->needs[i] != NULL; i++)
        if (!installed(program->needs[i]))
            fail_msg(
                "%s is not installed in %s: .ci/setup installs what tests/preload/packages.txt "
                "lists",
                program->needs[i], path);
}

static const char *library(void)
{
    const char *name = getenv("BARROW_LIBRARY");
    if (name == NULL)
        fail_msg("BARROW_LIBRARY is to name the library to preload");
    return name;
}

/* ---- a run ---- */

static const char *variable(const char *name, const char *value)
{
    char *entry;
    assert_true(asprintf(&entry, "%s=%s", name, value) > 0);
    return entry;
}

/* The library's options that the caller has set: all but those the test itself is told by. */
static bool is_option(const char *entry)
{
    return strncmp(entry, "BARROW_", 7) == 0 && strncmp(entry, "BARROW_STATS=", 13) != 0 &&
           strncmp(entry, "BARROW_LIBRARY=", 15) != 0;
}

static void make_environment(const char **entries, size_t room, bool preloaded)
{
    size_t count = 0;
    entries[count++] = variable("PATH", path);
    entries[count++] = variable("HOME", folder_path("work"));
    entries[count++] = variable("TMPDIR", folder_path("work"));
    entries[count++] = "LANG=C.UTF-8";
    entries[count++] = "TZ=UTC";
    entries[count++] = "DATA=" PRELOAD_FOLDER "/data";
    entries[count++] = "SOURCE=" BARROW_SOURCE;
    if (preloaded) {
        entries[count++] = variable("LD_PRELOAD", folder_path("libbarrow.so"));
        entries[count++] = variable("BARROW_STATS", folder_path("account"));
        for (char **entry = environ; *entry != NULL && count < room - 1; entry++)
            if (is_option(*entry))
                entries[count++] = *entry;
    }
    entries[count] = NULL;
}

static const char *of_run(const char *run, const char *file)
{
    char name[100];
    snprintf(name, sizeof name, "%s%s", run, file);
    return folder_path(name);
}

static void check_ending(const struct ending *ending, const char *run, unsigned limit)
{
    const char *err = text_tail(of_run(run, ".err"));
    if (!ending->in_time)
        fail_msg("%s: not at its end after %u s\n%s", run, limit, err);
    if (WIFSIGNALED(ending->status))
        fail_msg("%s: ended by signal %d (%s)\n%s", run, WTERMSIG(ending->status),
                 strsignal(WTERMSIG(ending->status)), err);
    if (WEXITSTATUS(ending->status) != 0)
        fail_msg("%s: exit status %d\n%s", run, WEXITSTATUS(ending->status), err);
    if (!ending->nothing_left)
        fail_msg("%s: processes were left running\n%s", run, err);
}

/* argv of the program, in static memory. */
static const char *const *command_line(const struct program *program)
{
    static char command[400];
    static const char *const script[] = { "/bin/sh", command, NULL };
    bool is_script = program->kind == SCRIPT;
    snprintf(command, sizeof command, "%s/%s%s",
             is_script ? PRELOAD_FOLDER "/scripts" : PRELOAD_FIXTURES, program->name,
             is_script ? ".sh" : "");
    return is_script ? script : script + 1;
}

/* Both runs are made in "work", which then gets the name of the run: so names that programs print
 * or store are the same. */
static void run(const struct program *program, bool preloaded)
{
    const char *name = preloaded ? "preloaded" : "plain", *environment[32];
    make_environment(environment, LENGTH(environment), preloaded);
    folder_add_directory("work", program->user);
    struct command command = {
        .argv = command_line(program),
        .environment = environment,
        .directory = folder_path("work"),
        .out = of_run(name, ".out"),
        .err = of_run(name, ".err"),
        .user = program->user,
        .limit = program->limit,
    };
    struct ending ending;
    command_run(&command, &ending);
    folder_rename("work", name);
    printf("%s %s: %.2f s, processor %.2f s, peak %ld KiB\n", program->name, name, ending.seconds,
           ending.cpu, ending.peak);
    check_ending(&ending, name, program->limit);
}

/* ---- after ---- */

static void check_same(const struct program *program, const char *file)
{
    struct text plain = text_read(of_run("plain", file));
    struct text preloaded = text_read(of_run("preloaded", file));
    for (size_t i = 0; i < LENGTH(program->varying) && program->varying[i] != NULL; i++) {
        text_drop_values(&plain, program->varying[i]);
        text_drop_values(&preloaded, program->varying[i]);
    }
    text_assert_equal(file, &plain, &preloaded);
    text_free(&plain);
    text_free(&preloaded);
}

static void check_produced(const struct program *program)
{
    char file[100];
    check_same(program, ".out");
    check_same(program, ".err");
    for (size_t i = 0; i < LENGTH(program->produced) && program->produced[i] != NULL; i++) {
        snprintf(file, sizeof file, "/%s", program->produced[i]);
        check_same(program, file);
    }
}

static void check_served(const struct program *program)
{
    struct account account = account_of(folder_path("account"), program->served);
    printf("%s served: %u processes %s, at most %llu allocations in one\n", program->name,
           account.processes, program->served, (unsigned long long)account.allocations);
    if (account.processes == 0)
        fail_msg("no process %s left an account: was the library loaded?", program->served);
    if (account.allocations < program->allocations)
        fail_msg("%s made %llu allocations, not the expected %llu or more", program->served,
                 (unsigned long long)account.allocations, (unsigned long long)program->allocations);
}

void program_check(const struct program *program)
{
    const char *preload = library();
    check_installed(program);
    folder_make(program->name);
    printf("%s runs in %s, which stays when the test fails\n", program->name, folder_path(""));
    folder_add_copy("libbarrow.so", preload);
    folder_add_shared("account");
    run(program, false);
    run(program, true);
    check_produced(program);
    check_served(program);
    folder_remove();
}
