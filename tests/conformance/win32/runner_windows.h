/* SPDX-License-Identifier: MIT */
/* runner_windows.h: the part of cmocka that the tests use, for Windows. A failed check prints where
 * it stands and ends the test; the next one goes on. */
#ifndef RUNNER_WINDOWS_H
#define RUNNER_WINDOWS_H

extern jmp_buf runner_escape;

#define runner_check(condition, text)                                                              \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, text);                                       \
            longjmp(runner_escape, 1);                                                             \
        }                                                                                          \
    } while (0)

#define assert_true(c)     runner_check((c), #c)
#define assert_false(c)    runner_check(!(c), "not " #c)
#define assert_null(p)     runner_check((p) == NULL, #p " is NULL")
#define assert_non_null(p) runner_check((p) != NULL, #p " is not NULL")
#define assert_int_equal(a, b)                                                                     \
    do {                                                                                           \
        unsigned long long va = (unsigned long long)(a), vb = (unsigned long long)(b);             \
        if (va != vb)                                                                              \
            printf("0x%llx is not 0x%llx\n", va, vb);                                              \
        runner_check(va == vb, #a " == " #b);                                                      \
    } while (0)
#define assert_int_not_equal(a, b) runner_check((a) != (b), #a " != " #b)
#define assert_ptr_equal(a, b)     assert_int_equal((uintptr_t)(a), (uintptr_t)(b))
#define assert_ptr_not_equal(a, b)                                                                 \
    runner_check((const void *)(a) != (const void *)(b), #a " != " #b)
#define assert_memory_equal(a, b, n) runner_check(memcmp((a), (b), (n)) == 0, #a " equals " #b)
#define assert_string_equal(a, b)    runner_check(strcmp((a), (b)) == 0, #a " equals " #b)
#define fail_msg(text)               runner_check(0, text)

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int wine_differs;
    int (*set_up)(void **state);
    int (*tear_down)(void **state);
};

#define cmocka_unit_test(test)                                                                     \
    {                                                                                              \
#test, test, 0, NULL, NULL                                                                 \
    }
#define not_on_wine(test)                                                                          \
    {                                                                                              \
#test, test, 1, NULL, NULL                                                                 \
    }
#define cmocka_unit_test_setup_teardown(test, set_up, tear_down)                                   \
    {                                                                                              \
#test, test, 0, set_up, tear_down                                                          \
    }
#define not_on_wine_setup_teardown(test, set_up, tear_down)                                        \
    {                                                                                              \
#test, test, 1, set_up, tear_down                                                          \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    runner_run(tests, sizeof(tests) / sizeof(tests[0]))

int runner_run(const struct CMUnitTest *tests, size_t count);

#endif
