/* SPDX-License-Identifier: MIT */
/* A C program: it does not load the C++ library for the sake of operator new, and C++ libraries
 * that it loads and unloads find operators that work. The plugin's path is the one argument. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/calls.h"
#include "support/check.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/suite.h"

static const char *plugin_path;

struct plugin {
    void *handle;
    char *(*make)(size_t size);
    void (*drop)(char *block);
    int (*check)(size_t impossible);
};

static void plugin_load(struct plugin *plugin, int mode)
{
    plugin->handle = dlopen(plugin_path, mode);
    if (plugin->handle == NULL)
        fail_msg("%s", dlerror());
    *(void **)&plugin->make = dlsym(plugin->handle, "plugin_make");
    *(void **)&plugin->drop = dlsym(plugin->handle, "plugin_drop");
    *(void **)&plugin->check = dlsym(plugin->handle, "plugin_check");
    assert_true(plugin->make != NULL && plugin->drop != NULL && plugin->check != NULL);
}

static void c_programs_have_no_cxx_library(void **state)
{
    (void)state;
    free(malloc(100));
    assert_null(opaque(malloc(opaque_size(SIZE_MAX))));
    assert_false(memory_maps_name("libstdc++"));
    assert_false(memory_maps_name("libc++"));
}

/* There is nobody to throw to in C: nothrow gives NULL, and the other form ends the process. */
static int child_new(const char *form)
{
    void *(*nothrow)(size_t, const void *);
    void *(*throwing)(size_t);

    *(void **)&nothrow = dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
    *(void **)&throwing = dlsym(RTLD_DEFAULT, "_Znwm");
    if (nothrow == NULL || throwing == NULL)
        return 3;
    if (strcmp(form, "nothrow") == 0)
        return nothrow(SIZE_MAX, "") == NULL ? 0 : 4;
    throwing(SIZE_MAX);
    return 5;
}

static void operators_fail_cleanly_in_c(void **state)
{
    static struct child_result result;

    (void)state;
    child_run_case("new", "nothrow", &result);
    assert_true(child_exited(&result, 0));
    child_run_case("new", "throwing", &result);
    if (!child_killed(&result, SIGABRT))
        child_show("new", &result);
    assert_true(child_killed(&result, SIGABRT));
    assert_int_equal(strncmp(result.err, "barrow: ", 8), 0);
}

static void plugin_check_all(int mode)
{
    struct plugin plugin;

    plugin_load(&plugin, mode);
    assert_int_equal(plugin.check(SIZE_MAX), 0);
    assert_int_equal(plugin.check((size_t)PTRDIFF_MAX), 0);
    free(plugin.make(5000));
    char *block = malloc(100);
    assert_non_null(block);
    plugin.drop(block);
    char *kept = plugin.make(3000);
    assert_non_null(kept);
    memset(kept, 5, 3000);
    assert_int_equal(dlclose(plugin.handle), 0);
    assert_int_equal(kept[2999], 5);
    free(kept);
}

/* A plugin is loaded apart from the rest, so its C++ library is not among the global names. */
static void works_when_loaded_apart(void **state)
{
    (void)state;
    plugin_check_all(RTLD_NOW | RTLD_LOCAL);
    plugin_check_all(RTLD_LAZY | RTLD_LOCAL);
}

static void works_when_loaded_for_all(void **state)
{
    (void)state;
    plugin_check_all(RTLD_NOW | RTLD_GLOBAL);
}

static void loading_again_and_again_does_not_grow(void **state)
{
    size_t before = 0;

    (void)state;
    for (int i = 0; i < 150; i++) {
        plugin_check_all(RTLD_NOW | RTLD_LOCAL);
        if (i == 50)
            before = memory_used();
    }
    assert_in_range(memory_used(), 0, before + 4 * MIB);
}

static void *thread_loads(void *argument)
{
    struct plugin plugin;

    plugin.handle = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(plugin.handle != NULL);
    *(void **)&plugin.check = dlsym(plugin.handle, "plugin_check");
    REQUIRE(plugin.check(SIZE_MAX) == 0);
    REQUIRE(dlclose(plugin.handle) == 0);
    return argument;
}

static void threads_load_too(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, thread_loads, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "new", child_new }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(c_programs_have_no_cxx_library),
        cmocka_unit_test(operators_fail_cleanly_in_c),
        cmocka_unit_test(works_when_loaded_apart),
        cmocka_unit_test(works_when_loaded_for_all),
        cmocka_unit_test(loading_again_and_again_does_not_grow),
        cmocka_unit_test(threads_load_too),
    };

    child_case(argc, argv, cases);
    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN\n", argv[0]);
        return 2;
    }
    plugin_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
