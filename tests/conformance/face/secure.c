/* SPDX-License-Identifier: MIT */
/* Set-user-id programs ignore all options: the user who starts them may not steer their heap, nor
 * have files written by it. Needs root, who alone can make such a program and then be another. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

enum { NOBODY = 65534, OBEYS = 10, SECURE = 20 };

static char directory[64];
static char copy_path[96];
static char account_path[96];

/* Tells by its exit status whether it is in secure mode, and whether it obeys a limit of 32 MiB. */
static int child_tells(const char *argument)
{
    void *block = malloc(128 * MIB);

    (void)argument;
    int status = (getauxval(AT_SECURE) != 0 ? SECURE : 0) + (block == NULL ? OBEYS : 0);
    free(block);
    return status;
}

static bool directory_make(const char *parent)
{
    struct statvfs about;

    if (statvfs(parent, &about) != 0 || (about.f_flag & (ST_NOSUID | ST_NOEXEC)) != 0)
        return false;
    snprintf(directory, sizeof(directory), "%s/barrow-secure-XXXXXX", parent);
    return mkdtemp(directory) != NULL && chmod(directory, 0755) == 0;
}

static void program_copy(void)
{
    static char buffer[65536];
    int from = open(child_program(), O_RDONLY);
    int to = open(copy_path, O_WRONLY | O_CREAT | O_EXCL, 0755);
    ssize_t length;

    assert_true(from >= 0 && to >= 0);
    while ((length = read(from, buffer, sizeof(buffer))) > 0)
        assert_int_equal(write(to, buffer, (size_t)length), length);
    assert_int_equal(length, 0);
    close(from);
    close(to);
}

static int copy_make(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    if (!directory_make("/tmp") && !directory_make("/var/tmp")) {
        print_error("no directory where set-user-id programs may be run\n");
        return -1;
    }
    snprintf(copy_path, sizeof(copy_path), "%s/program", directory);
    snprintf(account_path, sizeof(account_path), "%s/account", directory);
    program_copy();
    return 0;
}

static int copy_remove(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        unlink(account_path);
        unlink(copy_path);
        rmdir(directory);
    }
    return 0;
}

static void become_nobody(void)
{
    gid_t group = NOBODY;

    if (setgroups(1, &group) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(99);
}

static void copy_run(void prepare(void), const char *setting, struct child_result *result)
{
    const char *const args[] = { "--case", "tell", NULL };
    const char *const env[] = { "BARROW_COMMIT_LIMIT=32M", setting, NULL };

    child_run(&(struct child){ .program = copy_path, .args = args, .env = env, .prepare = prepare },
              result);
}

/* The proof that the copy would obey, were it not for the set-user-id bit. */
static void plain_programs_obey(void **state)
{
    static struct child_result result;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(copy_path, 0755), 0);
    copy_run(NULL, NULL, &result);
    if (!child_exited(&result, OBEYS))
        child_show("plain", &result);
    assert_true(child_exited(&result, OBEYS));
}

static void secure_run(mode_t mode, const char *setting)
{
    static struct child_result result;

    assert_int_equal(chmod(copy_path, mode), 0);
    copy_run(become_nobody, setting, &result);
    if (!child_exited(&result, SECURE) || result.err[0] != '\0')
        child_show(setting, &result);
    assert_true(child_exited(&result, SECURE));
    assert_string_equal(result.err, "");
}

static void set_user_id_programs_ignore_options(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    secure_run(04755, "BARROW_PURGE_DELAY=0");
    secure_run(04755, "BARROW_STATS=1");
    secure_run(04755, "BARROW_VERBOSE=2");
    secure_run(04755, "BARROW_VERBOSE=nonsense");
    secure_run(04755, "BARROW_CHECKS=nonsense");
}

static void set_user_id_programs_write_no_files(void **state)
{
    char setting[128];

    (void)state;
    if (geteuid() != 0)
        skip();
    snprintf(setting, sizeof(setting), "BARROW_STATS=%s", account_path);
    secure_run(04755, setting);
    assert_int_equal(access(account_path, F_OK), -1);
    assert_int_equal(errno, ENOENT);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "tell", child_tells }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_programs_obey),
        cmocka_unit_test(set_user_id_programs_ignore_options),
        cmocka_unit_test(set_user_id_programs_write_no_files),
    };

    child_case(argc, argv, cases);
    if (geteuid() != 0)
        print_message("not root: no set-user-id program can be tried here\n");
    return cmocka_run_group_tests(tests, copy_make, copy_remove);
}
