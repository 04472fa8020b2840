/* SPDX-License-Identifier: MIT */
/* targets.c: programs that cannot be run, or not under a library, and where the library is sought.
 */
#include "run.h"

#include <elf.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static struct outcome outcome;

/* Runs the program with and without --stats: it is refused in the same way. */
static void assert_refused(prepare_fn prepare, const char *program, int status, const char *message)
{
    RUN(&outcome, prepare, BARROW_COMMAND, "run", "--", program);
    assert_exit(outcome.status, status);
    assert_contains(outcome.err, message);
    assert_string_equal(outcome.out, "");
    RUN(&outcome, prepare, BARROW_COMMAND, "run", "--stats", "--", program);
    assert_exit(outcome.status, status);
    assert_contains(outcome.err, message);
    assert_lacks(outcome.err, "page faults");
}

/* ---- missing and not executable ---- */

static void missing_program(void **state)
{
    (void)state;
    assert_refused(NULL, "no-such-program", 127, "no-such-program: No such file or directory");
    assert_refused(NULL, "/no/such/program", 127, "/no/such/program: No such file");
    assert_refused(NULL, "/bin/sh/program", 127, "/bin/sh/program: Not a directory");
    assert_refused(NULL, "", 127, ": No such file or directory");
}

static void folder_as_program(void **state)
{
    (void)state;
    assert_refused(NULL, "/usr/bin", 126, "/usr/bin: Is a directory");
}

static void file_without_permission(void **state)
{
    (void)state;
    const char *path = write_to_folder("plain", "#!/bin/sh\n", 10, 0644);
    assert_refused(NULL, path, 126, "plain: Permission denied");
}

static void search_only_folder(void)
{
    char path[256];
    snprintf(path, sizeof path, "/no/such/folder:/etc/passwd:%s:/usr/bin:/bin", in_folder(""));
    setenv("PATH", path, 1);
}

static void path_is_searched(void **state)
{
    (void)state;
    write_to_folder("found", "#!/bin/sh\necho found $1\n", 24, 0755);
    write_to_folder("barred", "#!/bin/sh\n", 10, 0644);
    write_to_folder("true", "#!/bin/sh\n", 10, 0644);
    RUN(&outcome, search_only_folder, BARROW_COMMAND, "run", "found", "it");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "found it\n");
    assert_refused(search_only_folder, "barred", 126, "barred: Permission denied");
    RUN(&outcome, search_only_folder, BARROW_COMMAND, "run", "true"); /* the next one serves */
    assert_exit(outcome.status, 0);
}

static void drop_path(void)
{
    unsetenv("PATH");
}

static void unset_path_is_the_systems(void **state)
{
    (void)state;
    RUN(&outcome, drop_path, BARROW_COMMAND, "run", "echo", "found");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "found\n");
}

/* ---- programs that no library can be preloaded into ---- */

static void static_programs(void **state)
{
    (void)state;
    assert_refused(NULL, BARROW_STATIC, 126, "statically linked");
    assert_refused(NULL, BARROW_STATIC_PIE, 126, "statically linked");
}

static void loader_by_name_is_no_static_program(void **state)
{
    (void)state;
    char program[] = "/bin/echo";
    FILE *pipe = popen("readelf -l /bin/echo | sed -n 's/.*interpreter: \\(.*\\)]/\\1/p'", "r");
    assert_non_null(pipe);
    char loader[256] = "";
    assert_non_null(fgets(loader, sizeof loader, pipe));
    assert_int_equal(pclose(pipe), 0);
    loader[strcspn(loader, "\n")] = '\0';
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "-s", "--", loader, program, "hello");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "hello\n");
    assert_contains(outcome.err, "1,234,567 blocks");
}

static void interpreters_are_checked(void **state)
{
    (void)state;
    char line[256];
    int length = snprintf(line, sizeof line, "#! %s -x\n", BARROW_STATIC);
    assert_refused(NULL, write_to_folder("by-static", line, (size_t)length, 0755), 126,
                   "by-static: its interpreter " BARROW_STATIC ": statically linked");
    assert_refused(NULL, write_to_folder("by-none", "#!/no/such\n", 11, 0755), 126,
                   "by-none: its interpreter /no/such: No such file or directory");
    assert_refused(NULL, write_to_folder("by-folder", "#!/usr\n", 7, 0755), 126,
                   "by-folder: its interpreter /usr: Is a directory");
    length = snprintf(line, sizeof line, "#!%s", in_folder("by-itself"));
    assert_refused(NULL, write_to_folder("by-itself", line, (size_t)length, 0755), 126,
                   "a script too, the last of too many");
}

static void scripts_run(void **state)
{
    (void)state;
    char line[256];
    const char *plain = write_to_folder("script", "#! /bin/sh -e\necho $1 $LD_PRELOAD\n", 34, 0755);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", plain, "preloads");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "preloads " BARROW_FIGURES "\n");

    int length = snprintf(line, sizeof line, "#!%s\n", plain);
    const char *nested = write_to_folder("nested", line, (size_t)length, 0755);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", nested);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "nested " BARROW_FIGURES "\n");

    const char *bare = write_to_folder("bare", "echo $1; exit 4\n", 16, 0755);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", bare, "as execvp does");
    assert_exit(outcome.status, 4);
    assert_string_equal(outcome.out, "as execvp does\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", bare, "with stats");
    assert_exit(outcome.status, 4);
    assert_string_equal(outcome.out, "with stats\n");
}

static void unknown_formats(void **state)
{
    (void)state;
    assert_refused(NULL, write_to_folder("zeros", "\0\0\0\n", 4, 0755), 126,
                   "zeros: Exec format error");
    assert_refused(NULL, write_to_folder("torn", "\177ELF\2\1\1", 7, 0755), 126,
                   "torn: damaged ELF file");
}

/* A copy of a real program, its header changed. */
static const char *patched_program(const char *name, size_t offset, const void *bytes,
                                   size_t length)
{
    const char *path = copy_to_folder("/bin/true", name, 0755);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void foreign_machines(void **state)
{
    (void)state;
    const Elf64_Half machine = EM_S390;
    const unsigned char class = ELFCLASS32;
    const char *foreign =
        patched_program("foreign", offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
    assert_refused(NULL, foreign, 126, "foreign: 64-bit S/390 program, but " BARROW_FIGURES);
    const char *narrow = patched_program("narrow", EI_CLASS, &class, 1);
    assert_refused(NULL, narrow, 126, "narrow: ");
}

static void forget_library(void)
{
    unsetenv("BARROW_LIBRARY");
}

/* musl's loader would stop at the first symbol that only glibc has. The library is the one that was
 * built with the command: of another the command does not know. */
static void program_of_musl(void **state)
{
    (void)state;
    char content[65536];
    static const char loader[] = "/lib/ld-musl-any.so.1";
    FILE *file = fopen("/bin/true", "r");
    assert_non_null(file);
    size_t length = fread(content, 1, sizeof content, file);
    assert_int_equal(fclose(file), 0);
    char *place = memmem(content, length, "/lib", 4); /* the first: the loader's path */
    assert_non_null(place);
    memcpy(place, loader, sizeof loader);
    const char *path = write_to_folder("of-musl", content, length, 0755);
    assert_refused(forget_library, path, 126, "of-musl: a program of musl, but ");
    assert_refused(NULL, path, 126, "of-musl: its loader /lib/ld-musl-any.so.1: No such file");
}

/* A file whose header says where its segments are, and no more. */
static void narrow_program(void **state)
{
    (void)state;
    Elf32_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_EXEC,
                          .e_machine = EM_386 };
    const char *path = write_to_folder("x86", (const char *)&header, sizeof header, 0755);
    assert_refused(NULL, path, 126, "x86: 32-bit x86 program, but ");
}

/* ---- changed identity ---- */

enum { NOBODY = 65534 };

static void become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(98);
}

/* Root makes a program of somebody else's; others find one of root's in every system. */
static const char *set_user_id_program(void)
{
    if (geteuid() != 0)
        return "/usr/bin/su";
    const char *path = copy_to_folder("/bin/true", "set-user-id", 0755);
    assert_int_equal(chown(path, NOBODY, 0), 0);
    assert_int_equal(chmod(path, 04755), 0);
    return path;
}

static void set_user_id(void **state)
{
    (void)state;
    assert_refused(NULL, set_user_id_program(), 126, "set-user-id or set-group-id");
}

/* Without a change of identity the loader preloads as ever. */
static void set_user_id_of_ones_own(void **state)
{
    (void)state;
    const char *path = copy_to_folder("/bin/true", "own", 04755);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", path);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "1,234,567 blocks");
}

/* The build tree may lie where nobody else can enter: so copies of command and library. */
static void as_nobody_from_folder(void)
{
    setenv("BARROW_LIBRARY", in_folder("figures.so"), 1);
    become_nobody();
}

static void identities_seen_by_others(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("making a set-group-id program of another group needs root\n");
        skip();
    }
    /* A v2 capability set: effective and permitted CAP_NET_RAW. */
    static const uint32_t capabilities[] = { 0x02000001, 1 << 13, 0, 0, 0 };
    const char *command = copy_to_folder(BARROW_COMMAND, "barrow", 0755);
    copy_to_folder(BARROW_FIGURES, "figures.so", 0755);
    const char *capable = copy_to_folder("/bin/true", "capable", 0755);
    assert_int_equal(setxattr(capable, "security.capability", capabilities, sizeof capabilities, 0),
                     0);
    const char *group = copy_to_folder("/bin/true", "set-group-id", 02755);
    const char *plain = copy_to_folder("/bin/true", "harmless", 0755);
    const char *lock = copy_to_folder("/bin/true", "lock", 02745); /* no group execution */

    RUN(&outcome, as_nobody_from_folder, command, "run", capable);
    assert_exit(outcome.status, 126);
    assert_contains(outcome.err, "capable: has file capabilities");
    RUN(&outcome, as_nobody_from_folder, command, "run", group);
    assert_exit(outcome.status, 126);
    assert_contains(outcome.err, "set-group-id: set-user-id or set-group-id");
    RUN(&outcome, as_nobody_from_folder, command, "run", "--stats", plain);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "1,234,567 blocks");
    RUN(&outcome, as_nobody_from_folder, command, "run", "--stats", lock);
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "1,234,567 blocks");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--stats", capable); /* root gains nothing by it */
    assert_exit(outcome.status, 0);
    assert_contains(outcome.err, "1,234,567 blocks");
}

/* ---- the library ---- */

static void name_missing_library(void)
{
    setenv("BARROW_LIBRARY", "/no/such/library.so", 1);
}

static void bad_libraries(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--library=/no/such.so", "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "--library: /no/such.so: No such file or directory");
    RUN(&outcome, name_missing_library, BARROW_COMMAND, "run", "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "BARROW_LIBRARY: /no/such/library.so: No such file");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--library=/bin/true", "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "true: not a shared library");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--library=/usr", "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "/usr: not a shared library");
    const char *spaced = copy_to_folder(BARROW_FIGURES, "a library.so", 0755);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--library", spaced, "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "a space or a colon");
    assert_string_equal(outcome.out, "");
}

static void preload_another(void)
{
    setenv("LD_PRELOAD", "libm.so.6 libdl.so.2", 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1); /* of the command */
}

static void library_stands_first(void **state)
{
    (void)state;
    RUN(&outcome, preload_another, BARROW_COMMAND, "run", "sh", "-c", "echo $LD_PRELOAD");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, BARROW_FIGURES ":libm.so.6 libdl.so.2\n");
    assert_string_equal(outcome.err, "");
}

/* Wherever the prefix is, also through a symbolic link to the command. */
static void library_is_beside_the_command(void **state)
{
    (void)state;
    char expected[256];
    RUN(&outcome, forget_library, "/bin/mkdir", "-p", in_folder("p/bin"), in_folder("p/lib"),
        in_folder("links"));
    assert_exit(outcome.status, 0);
    const char *command = copy_to_folder(BARROW_COMMAND, "p/bin/barrow", 0755);
    const char *link = in_folder("links/barrow");
    assert_int_equal(symlink("../p/bin/barrow", link), 0);

    RUN(&outcome, forget_library, command, "run", "echo", "ran");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "no " BARROW_LIBRARY_NAME " beside ");
    assert_string_equal(outcome.out, "");

    const char *library = copy_to_folder(BARROW_FIGURES, "p/lib/" BARROW_LIBRARY_NAME, 0644);
    snprintf(expected, sizeof expected, "%s\n", library);
    RUN(&outcome, forget_library, command, "run", "sh", "-c", "echo $LD_PRELOAD");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, expected);
    RUN(&outcome, forget_library, link, "run", "sh", "-c", "echo $LD_PRELOAD");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, expected);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_program),
        cmocka_unit_test(folder_as_program),
        IN_FOLDER(file_without_permission),
        IN_FOLDER(path_is_searched),
        cmocka_unit_test(unset_path_is_the_systems),
        cmocka_unit_test(static_programs),
        cmocka_unit_test(loader_by_name_is_no_static_program),
        IN_FOLDER(interpreters_are_checked),
        IN_FOLDER(scripts_run),
        IN_FOLDER(unknown_formats),
        IN_FOLDER(foreign_machines),
        IN_FOLDER(program_of_musl),
        IN_FOLDER(narrow_program),
        IN_FOLDER(set_user_id),
        IN_FOLDER(set_user_id_of_ones_own),
        IN_FOLDER(identities_seen_by_others),
        IN_FOLDER(bad_libraries),
        cmocka_unit_test(library_stands_first),
        IN_FOLDER(library_is_beside_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
