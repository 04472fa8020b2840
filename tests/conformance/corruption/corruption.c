/* SPDX-License-Identifier: MIT */
/* Each mistake of mistakes.c, made by a program with the library preloaded: what the library finds,
 * and what it says. The README's table has the same rows. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/child.h"
#include "support/suite.h"

#if defined(_WIN32)
#define STACK_LINE " mistakes.exe+0x"
#else
#define STACK_LINE " mistakes+0x"
#endif

#define TWICE    "free already"
#define INSIDE   "inside a block"
#define FOREIGN  "not a block"
#define FREED    "use after free"
#define OVERRUN  "overrun"
#define UNDERRUN "underrun"

/* How the program ends, if that is promised. */
enum end {
    OPEN,  /* nothing is */
    ENDED, /* by a signal: it does not go on with a heap that is damaged */
    FOUND  /* by SIGABRT, after a line with the text */
};

/* Where the library takes over a C run-time's heap, what is not its own is the system's heap's. */
#if defined(_WIN32)
#define OTHERS OPEN
#else
#define OTHERS FOUND
#endif

static const struct row {
    const char *name;
    enum end release, checked, sampled;
    const char *text;
} rows[] = {
    { "free_twice", FOUND, FOUND, FOUND, TWICE },
    { "free_twice_after_others", FOUND, FOUND, FOUND, TWICE },
    { "free_twice_large", FOUND, FOUND, FOUND, TWICE },
    { "free_twice_by_threads", FOUND, FOUND, FOUND, TWICE },
    { "free_twice_by_realloc", FOUND, FOUND, FOUND, TWICE },
    { "free_twice_reused", ENDED, FOUND, FOUND, "free" },
    { "free_inside", FOUND, FOUND, FOUND, INSIDE },
    { "free_inside_large", FOUND, FOUND, FOUND, INSIDE },
    { "free_wild", OTHERS, OTHERS, OTHERS, FOREIGN },
    { "free_stack", OTHERS, OTHERS, OTHERS, FOREIGN },
    { "free_static", OTHERS, OTHERS, OTHERS, FOREIGN },
    { "free_of_other", OTHERS, OTHERS, OTHERS, FOREIGN },
    { "write_freed_link", FOUND, FOUND, FOUND, FREED },
    { "write_freed_link_aimed", FOUND, FOUND, FOUND, FREED },
    { "write_freed_inside", OPEN, FOUND, FOUND, FREED },
    { "write_freed_large", OPEN, FOUND, OPEN, FREED },
    { "write_freed_reused", OPEN, FOUND, FOUND, FREED },
    { "read_freed", OPEN, OPEN, FOUND, FREED },
    { "overrun_1", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_8", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_1_full", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_8_full", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_100_full", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_1_large", OPEN, FOUND, FOUND, OVERRUN },
    { "overrun_kept", OPEN, FOUND, FOUND, OVERRUN },
    { "read_behind", OPEN, OPEN, FOUND, OVERRUN },
    { "underrun_1", OPEN, FOUND, FOUND, UNDERRUN },
    { "underrun_8", OPEN, FOUND, FOUND, UNDERRUN },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void mistake_run(const char *name, const char *checks, struct child_result *result)
{
    char preload[4200];
    const char *const args[] = { name, NULL };
    const char *const env[] = { preload, checks, NULL };

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("BARROW_LIBRARY"));
    child_run(&(struct child){ .program = getenv("MISTAKES"), .args = args, .env = env }, result);
}

static bool is_as_promised(const struct child_result *result, enum end end, const char *text)
{
    if (end == ENDED)
        return child_killed(result, SIGABRT) || child_killed(result, SIGSEGV);
    return child_killed(result, SIGABRT) && strncmp(result->err, "barrow: ", 8) == 0 &&
           strstr(result->err, text) != NULL;
}

static void all_rows(const char *checks, enum end promised(const struct row *row))
{
    static struct child_result result;
    int faults = 0;

    for (size_t i = 0; i < ROWS; i++) {
        enum end end = promised(&rows[i]);
        if (end == OPEN)
            continue;
        mistake_run(rows[i].name, checks, &result);
        if (!is_as_promised(&result, end, rows[i].text)) {
            child_show(rows[i].name, &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

static enum end in_release(const struct row *row)
{
    return row->release;
}

static enum end in_checked(const struct row *row)
{
    return row->checked;
}

static enum end in_sampled(const struct row *row)
{
    return row->sampled;
}

static void found_in_release(void **state)
{
    (void)state;
    all_rows("BARROW_CHECKS=0", in_release);
}

static void found_in_checked_mode(void **state)
{
    (void)state;
    all_rows("BARROW_CHECKS=1", in_checked);
}

static void found_in_samples(void **state)
{
    (void)state;
    all_rows("BARROW_CHECKS=sample=1,exit", in_sampled);
}

/* No row is missing here, and none of a mistake that is no more. */
static void table_is_complete(void **state)
{
    static struct child_result result;
    char *line, *rest = result.out;
    size_t i = 0;

    (void)state;
    child_run(&(struct child){ .program = getenv("MISTAKES") }, &result);
    assert_true(child_exited(&result, 0));
    for (; (line = strtok_r(rest, "\n", &rest)) != NULL; i++) {
        assert_in_range(i, 0, ROWS - 1);
        assert_int_equal(strncmp(line, rows[i].name, strlen(rows[i].name)), 0);
        assert_int_equal(line[strlen(rows[i].name)], '\t');
    }
    assert_int_equal(i, ROWS);
}

#if defined(__GLIBC__) || defined(_WIN32)
static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}
#endif

/* The report of a fault: who made the access, who allocated, who freed, by module and offset. */
static void samples_tell_the_stacks(void **state)
{
    static struct child_result result;

    (void)state;
    mistake_run("read_freed", "BARROW_CHECKS=sample=1", &result);
    assert_true(child_killed(&result, SIGABRT));
    assert_non_null(strstr(result.err, "byte 40 of the block of 64 bytes"));
    assert_non_null(strstr(result.err, "  accessed by thread "));
    assert_non_null(strstr(result.err, "  allocated by thread "));
    assert_non_null(strstr(result.err, "  freed by thread "));
#if defined(__GLIBC__) ||                                                                          \
    defined(_WIN32) /* elsewhere there are stacks only of code with frame pointers */
    assert_true(count_of(result.err, STACK_LINE) >= 3);
#endif
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_complete),       cmocka_unit_test(found_in_release),
        cmocka_unit_test(found_in_checked_mode),   cmocka_unit_test(found_in_samples),
        cmocka_unit_test(samples_tell_the_stacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
