/* SPDX-License-Identifier: MIT */
/* All sets of replaced forms that differ in what they reach, each in a process of its own. A form is
 * replaced by a shared library that has nothing else (FORMS_FOLDER), named in LD_PRELOAD before
 * libbarrow.so, where it is found as a program's own definition is, or after it. */
#include "forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/child.h"
#include "support/suite.h"

enum { PRIMARY = 8, OTHERS = FORM_COUNT - PRIMARY };

/* Those that others are defined by; the rest call one of them. */
static const int primary[PRIMARY] = { 0, 1, 2, 3, 8, 9, 10, 11 };
static const int others[OTHERS] = { 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19 };

enum place { NO_LIBRARY, BEFORE_LIBRARY, AFTER_LIBRARY };

static void add_path(char *list, size_t size, const char *path)
{
    size_t length = strlen(list);
    int n = snprintf(list + length, size - length, "%s%s", length != 0 ? " " : "", path);
    assert_in_range(n, 1, size - length - 1);
}

static void add_forms(char *list, size_t size, unsigned mask)
{
    char path[512];
    for (int form = 0; form < FORM_COUNT; form++)
        if ((mask >> form & 1) != 0) {
            snprintf(path, sizeof path, "%s/libform%d.so", FORMS_FOLDER, form);
            add_path(list, size, path);
        }
}

static void check(unsigned mask, enum place place)
{
    static char preload[FORM_COUNT * 512], argument[16];
    static struct child_result result;
    const char *const args[] = { argument, NULL };
    const char *const env[] = { preload, NULL };
    struct child child = { .program = FORMS_PROGRAM, .args = args, .env = env };

    char list[sizeof preload - 16] = "";
    if (place == AFTER_LIBRARY)
        add_path(list, sizeof list, getenv("BARROW_LIBRARY"));
    add_forms(list, sizeof list, mask);
    if (place == BEFORE_LIBRARY)
        add_path(list, sizeof list, getenv("BARROW_LIBRARY"));
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", list);
    snprintf(argument, sizeof argument, "%x", mask);
    child_run(&child, &result);
    if (!child_exited(&result, 0))
        child_show(preload, &result);
    assert_true(child_exited(&result, 0));
}

static unsigned primary_mask(unsigned which)
{
    unsigned mask = 0;
    for (int i = 0; i < PRIMARY; i++)
        if ((which >> i & 1) != 0)
            mask |= 1u << primary[i];
    return mask;
}

/* Every set of the primary forms; each other form with none and with all of these; and all others. */
static void check_all(enum place place)
{
    for (unsigned which = 0; which < 1u << PRIMARY; which++)
        check(primary_mask(which), place);
    unsigned all = primary_mask((1u << PRIMARY) - 1), rest = 0;
    for (int i = 0; i < OTHERS; i++) {
        check(1u << others[i], place);
        check(1u << others[i] | all, place);
        rest |= 1u << others[i];
    }
    check(rest, place);
    check(rest | all, place);
}

/* The table itself is right: the C++ library's own definitions fulfil it. */
static void without_the_library(void **state)
{
    (void)state;
    check_all(NO_LIBRARY);
}

static void replaced_where_the_program_does(void **state)
{
    (void)state;
    check_all(BEFORE_LIBRARY);
}

static void replaced_in_a_library_behind(void **state)
{
    (void)state;
    check_all(AFTER_LIBRARY);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_library),
        cmocka_unit_test(replaced_where_the_program_does),
        cmocka_unit_test(replaced_in_a_library_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
