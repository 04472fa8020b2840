/* SPDX-License-Identifier: MIT */
#include "folder.h"
#include "text.h"

#include <ftw.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[200];

void folder_make(const char *test)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/preload.%s.XXXXXX", temporary ? temporary : "/tmp", test);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void folder_remove(void)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

void folder_add_directory(const char *name, const char *user)
{
    const char *path = folder_path(name);
    assert_int_equal(mkdir(path, 0755), 0);
    if (user == NULL || geteuid() != 0)
        return;
    struct passwd *entry = getpwnam(user);
    if (entry == NULL)
        fail_msg("there is no user %s", user);
    assert_int_equal(chown(path, entry->pw_uid, entry->pw_gid), 0);
}

void folder_rename(const char *from, const char *to)
{
    assert_int_equal(rename(folder_path(from), folder_path(to)), 0);
}

static void add_file(const char *name, const struct text *content, mode_t mode)
{
    const char *path = folder_path(name);
    FILE *out = fopen(path, "wxe");
    assert_non_null(out);
    assert_int_equal(fwrite(content->bytes, 1, content->length, out), content->length);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, mode), 0);
}

void folder_add_copy(const char *name, const char *of)
{
    struct text content = text_read(of);
    add_file(name, &content, 0755);
    text_free(&content);
}

void folder_add_shared(const char *name)
{
    add_file(name, &(struct text){ .bytes = (char[]){ "" } }, 0666);
}
