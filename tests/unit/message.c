/* SPDX-License-Identifier: MIT */
/* Messages: one line each, cut to measure, errno untouched. */
#include "capture.h"

#include "diag/message.h"

#include <errno.h>

static void a_message_is_one_line(void **state)
{
    (void)state;
    struct capture capture;
    char expected[64];
    snprintf(expected, sizeof expected, "barrow: free(%p) 42 -7\n", (void *)0x1230);
    capture_begin(&capture);
    message("%s(%p) %zu %d", "free", (void *)0x1230, (size_t)42, -7);
    assert_string_equal(capture_end(&capture), expected);
}

static void an_empty_message_is_a_line_too(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    message("%s", "");
    assert_string_equal(capture_end(&capture), "barrow: \n");
}

/* Around the length of the buffer, every length: a line that fits is whole, a longer one is cut. */
static void long_messages_are_cut(void **state)
{
    (void)state;
    char text[400], expected[420];
    for (int length = 200; length < 399; length++) {
        struct capture capture;
        memset(text, 'x', sizeof text);
        text[length] = '\0';
        capture_begin(&capture);
        message("%s", text);
        const char *got = capture_end(&capture);
        size_t line = strlen(got);
        assert_true(line <= 256);
        assert_int_equal(got[line - 1], '\n');
        snprintf(expected, sizeof expected, "barrow: %s\n", text);
        if (8 + length + 1 <= 255)
            assert_string_equal(got, expected);
        else
            assert_memory_equal(got, expected, line - 1);
        assert_true(line >= 250 || line == strlen(expected));
    }
}

static void errno_stays(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    errno = 1234;
    message("%d", 1);
    assert_int_equal(errno, 1234);
    capture_end(&capture);
}

/* A program may have closed its standard error. */
static void a_closed_standard_error_does_no_harm(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = 0;
    message("nobody reads this");
    assert_int_equal(errno, 0);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

static void verbose_messages_have_levels(void **state)
{
    (void)state;
    struct capture capture;
    int before = message_level;
    message_level = 1;
    capture_begin(&capture);
    message_verbose(1, "one");
    message_verbose(2, "two");
    assert_string_equal(capture_end(&capture), "barrow: one\n");
    message_level = before;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(an_empty_message_is_a_line_too),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(errno_stays),
        cmocka_unit_test(a_closed_standard_error_does_no_harm),
        cmocka_unit_test(verbose_messages_have_levels),
    };
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
