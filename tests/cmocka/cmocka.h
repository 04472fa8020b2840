/* SPDX-License-Identifier: MIT */
/* cmocka.h: the part of cmocka's interface that our tests use, in one header.
 *
 * Debian has cmocka for its own C library and processor only. Builds for musl and for other
 * processors take this header instead (CMake: BARROW_TEST_CMOCKA=bundled), and so do builds where
 * cmocka is not installed. Names and meaning are cmocka's; mocks and filters are left out. As in
 * cmocka, an assertion may fail only in the thread that runs the tests. */
#ifndef TESTS_CMOCKA_H
#define TESTS_CMOCKA_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__MINGW32__)
#define CMOCKA_PRINTF gnu_printf
#else
#define CMOCKA_PRINTF printf
#endif

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test_func;
    CMFixtureFunction setup_func;
    CMFixtureFunction teardown_func;
    void *initial_state;
};

#define cmocka_test_of(test, setup, undo, state)                                                   \
    {                                                                                              \
        .name = #test, .test_func = test, .setup_func = setup, .teardown_func = undo,              \
        .initial_state = state                                                                     \
    }
#define cmocka_unit_test(test)                             cmocka_test_of(test, NULL, NULL, NULL)
#define cmocka_unit_test_setup(test, setup)                cmocka_test_of(test, setup, NULL, NULL)
#define cmocka_unit_test_teardown(test, undo)              cmocka_test_of(test, NULL, undo, NULL)
#define cmocka_unit_test_setup_teardown(test, setup, undo) cmocka_test_of(test, setup, undo, NULL)
#define cmocka_unit_test_prestate(test, state)             cmocka_test_of(test, NULL, NULL, state)
#define cmocka_unit_test_prestate_setup_teardown(test, setup, undo, state)                         \
    cmocka_test_of(test, setup, undo, state)

/* Where a failed assertion leads to, and the thread in which it may. One test program is one
 * translation unit or shares these through the weak definition. */
__attribute__((weak)) jmp_buf cmocka_failed;
__attribute__((weak)) pthread_t cmocka_thread;

__attribute__((noreturn, format(CMOCKA_PRINTF, 3, 4))) static inline void
cmocka_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (!pthread_equal(pthread_self(), cmocka_thread))
        abort();
    longjmp(cmocka_failed, 1);
}

enum { CMOCKA_FAILED = 1, CMOCKA_SKIPPED };

__attribute__((noreturn)) static inline void skip(void)
{
    if (!pthread_equal(pthread_self(), cmocka_thread))
        abort();
    longjmp(cmocka_failed, CMOCKA_SKIPPED);
}

__attribute__((format(CMOCKA_PRINTF, 1, 2))) static inline void print_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
}

__attribute__((format(CMOCKA_PRINTF, 1, 2))) static inline void print_message(const char *format,
                                                                              ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}

/* Returns 0, CMOCKA_FAILED or CMOCKA_SKIPPED. */
static inline int cmocka_run_one(const struct CMUnitTest *test, void *group_state)
{
    void *state = test->initial_state != NULL ? test->initial_state : group_state;
    if (test->setup_func != NULL && test->setup_func(&state) != 0) {
        fprintf(stderr, "%s: set-up failed\n", test->name);
        return CMOCKA_FAILED;
    }
    void *volatile kept = state;
    int result = setjmp(cmocka_failed);
    if (result == 0) {
        test->test_func(&state);
        kept = state;
    }
    state = kept;
    if (test->teardown_func != NULL && test->teardown_func(&state) != 0) {
        fprintf(stderr, "%s: tear-down failed\n", test->name);
        return CMOCKA_FAILED;
    }
    return result;
}

/* Returns the number of tests that failed. */
static inline int cmocka_run_tests(const char *group, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown)
{
    void *state = NULL;
    int failures = 0;
    cmocka_thread = pthread_self();
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("[==========] %s: %zu test(s)\n", group, count);
    if (setup != NULL && setup(&state) != 0) {
        fprintf(stderr, "%s: the group's set-up failed\n", group);
        return (int)count;
    }
    for (size_t i = 0; i < count; i++) {
        printf("[ RUN      ] %s\n", tests[i].name);
        static const char *const words[] = { "      OK", " FAILED ", " SKIPPED" };
        int result = cmocka_run_one(&tests[i], state);
        printf("[ %s ] %s\n", words[result], tests[i].name);
        failures += result == CMOCKA_FAILED;
    }
    if (teardown != NULL && teardown(&state) != 0) {
        fprintf(stderr, "%s: the group's tear-down failed\n", group);
        failures++;
    }
    printf("[==========] %d of %zu failed\n", failures, count);
    return failures;
}

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cmocka_run_tests(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    cmocka_run_tests(name, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#define cmocka_check(ok, ...)                                                                      \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            cmocka_fail(__FILE__, __LINE__, __VA_ARGS__);                                          \
    } while (0)

/* a OP b for integers of any type, each evaluated once. */
#define cmocka_compare(a, op, b)                                                                   \
    do {                                                                                           \
        uintmax_t cmocka_a = (uintmax_t)(a), cmocka_b = (uintmax_t)(b);                            \
        cmocka_check(cmocka_a op cmocka_b, "%s " #op " %s: %#jx and %#jx", #a, #b, cmocka_a,       \
                     cmocka_b);                                                                    \
    } while (0)

#define cmocka_compare_strings(a, op, b)                                                           \
    do {                                                                                           \
        const char *cmocka_a = (a), *cmocka_b = (b);                                               \
        cmocka_check(strcmp(cmocka_a, cmocka_b) op 0, "%s " #op " %s: \"%s\" and \"%s\"", #a, #b,  \
                     cmocka_a, cmocka_b);                                                          \
    } while (0)

#define fail()                        cmocka_fail(__FILE__, __LINE__, "failed")
#define fail_msg(...)                 cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
#define assert_true(c)                cmocka_check((c), "not true: %s", #c)
#define assert_false(c)               cmocka_check(!(c), "not false: %s", #c)
#define assert_null(p)                cmocka_check((p) == NULL, "not NULL: %s", #p)
#define assert_non_null(p)            cmocka_check((p) != NULL, "NULL: %s", #p)
#define assert_int_equal(a, b)        cmocka_compare(a, ==, b)
#define assert_int_not_equal(a, b)    cmocka_compare(a, !=, b)
#define assert_ptr_equal(a, b)        cmocka_compare((uintptr_t)(a), ==, (uintptr_t)(b))
#define assert_ptr_not_equal(a, b)    cmocka_compare((uintptr_t)(a), !=, (uintptr_t)(b))
#define assert_string_equal(a, b)     cmocka_compare_strings(a, ==, b)
#define assert_string_not_equal(a, b) cmocka_compare_strings(a, !=, b)
#define assert_memory_equal(a, b, size)                                                            \
    cmocka_check(memcmp(a, b, size) == 0, "%s and %s differ", #a, #b)
#define assert_memory_not_equal(a, b, size)                                                        \
    cmocka_check(memcmp(a, b, size) != 0, "%s and %s are equal", #a, #b)
#define assert_in_range(value, low, high)                                                          \
    do {                                                                                           \
        uintmax_t cmocka_value = (uintmax_t)(value);                                               \
        cmocka_compare(cmocka_value, >=, low);                                                     \
        cmocka_compare(cmocka_value, <=, high);                                                    \
    } while (0)
#define assert_not_in_range(value, low, high)                                                      \
    do {                                                                                           \
        uintmax_t cmocka_value = (uintmax_t)(value);                                               \
        cmocka_check(!((uintmax_t)(low) <= cmocka_value && cmocka_value <= (uintmax_t)(high)),     \
                     "%s is %#jx", #value, cmocka_value);                                          \
    } while (0)
#define assert_return_code(rc, error)                                                              \
    do {                                                                                           \
        intmax_t cmocka_rc = (intmax_t)(rc);                                                       \
        cmocka_check(cmocka_rc >= 0, "%s is %jd: %s", #rc, cmocka_rc, strerror(error));            \
    } while (0)

#endif
