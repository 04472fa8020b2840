/* SPDX-License-Identifier: MIT */
/* Plug-ins that are loaded with RTLD_DEEPBIND, and glibc's own names for malloc's family: blocks
 * cross between them and the program, both ways. What the flag is for, and whose search path a name
 * is looked for in, stays as it is without the library. The argument is the folder of the plug-ins;
 * with `fixed` behind it, the system refuses to change code. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support/opaque.h"
#include "support/suite.h"

extern void *__libc_malloc(size_t), *__libc_memalign(size_t, size_t),
    *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_valloc(size_t),
    *__libc_pvalloc(size_t);
extern void __libc_free(void *);

static const char *folder;
static bool is_code_fixed;

/* As services do that forbid memory which is writable and executable. */
static void fix_code(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        abort();
    is_code_fixed = true;
}

/* The plug-ins see the program's, unless they were loaded with the flag. */
int whose(void);
int whose(void)
{
    return 1;
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    assert_non_null(found);
    return found;
}

static void *loaded(const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    void *library = dlopen(path, flags);
    if (library == NULL)
        print_error("%s\n", dlerror());
    assert_non_null(library);
    return library;
}

static void exchange_blocks(void *library)
{
    char *(*use)(char *) = (char *(*)(char *))symbol(library, "use");
    for (int i = 0; i < 1000; i++) {
        char *made = use(opaque(strdup("of the program")));
        assert_non_null(made);
        free(made);
    }
    free(*(char **)symbol(library, "early"));
}

static int asks_whose(void *library)
{
    return ((int (*)(void))symbol(library, "asks_whose"))();
}

static void blocks_cross_the_border(void **state)
{
    (void)state;
    exchange_blocks(loaded("libplugin.so", RTLD_NOW | RTLD_DEEPBIND));
    exchange_blocks(loaded("libsecond.so", RTLD_LAZY | RTLD_DEEPBIND | RTLD_GLOBAL));
    char path[4096];
    snprintf(path, sizeof path, "%s/libthird.so", folder);
    void *third = dlmopen(LM_ID_BASE, path, RTLD_NOW | RTLD_DEEPBIND);
    assert_non_null(third);
    exchange_blocks(third);
}

static void the_flag_keeps_its_meaning(void **state)
{
    (void)state;
    int expected = is_code_fixed ? 1 : 2; /* the flag is the price where code can't be changed */
    assert_int_equal(asks_whose(loaded("libplugin.so", RTLD_NOW | RTLD_DEEPBIND)), expected);
    assert_int_equal(asks_whose(loaded("libplain.so", RTLD_NOW)), 1);
}

static void the_callers_search_path_applies(void **state)
{
    (void)state;
    void *caller = loaded("libcaller.so", RTLD_NOW);
    void *(*open_apart)(int) = (void *(*)(int))symbol(caller, "open_apart");
    assert_null(dlopen("libapart.so", RTLD_NOW)); /* not in the program's */
    assert_non_null(strstr(dlerror(), "libapart.so"));
    void *apart = open_apart(RTLD_NOW | RTLD_DEEPBIND);
    assert_non_null(apart);
    exchange_blocks(apart);
    assert_ptr_equal(open_apart(RTLD_NOW), apart);
}

static void other_namespaces_load(void **state)
{
    char path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/libplugin.so", folder);
    void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    assert_non_null(library);
    char *(*use)(char *) = (char *(*)(char *))symbol(library, "use");
    assert_non_null(use(NULL)); /* of that namespace's own heap */
    dlclose(library);
}

static void glibcs_own_names(void **state)
{
    (void)state;
    free(__libc_malloc(100));
    free(__libc_memalign(64, 100));
    free(__libc_calloc(3, 100));
    free(__libc_valloc(100));
    free(__libc_pvalloc(100));
    free(__libc_realloc(malloc(opaque_size(100)), 5000));
    __libc_free(opaque(malloc(100)));
    __libc_free(opaque(strdup("text")));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callers_search_path_applies),
        cmocka_unit_test(blocks_cross_the_border),
        cmocka_unit_test(the_flag_keeps_its_meaning),
        cmocka_unit_test(other_namespaces_load),
        cmocka_unit_test(glibcs_own_names),
    };

    folder = argc >= 2 ? argv[1] : ".";
    if (argc == 3 && strcmp(argv[2], "fixed") == 0)
        fix_code();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
