/* SPDX-License-Identifier: MIT */
/* Options: what the environment's values mean, and that bad ones are reported and ignored. */
#include "capture.h"

#include "diag/options.h"
#include "diag/parse.h"
#include "heap/purge.h"
#include "region/region.h"

static const char *const names[] = {
    "BARROW_STATS",        "BARROW_VERBOSE", "BARROW_PURGE_DELAY", "BARROW_HUGE_PAGES",
    "BARROW_COMMIT_LIMIT", "BARROW_RESERVE", "BARROW_COMMIT",
};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    return 0;
}

/* The text on standard error while the options are read with that one variable set. */
static struct options read_with(const char *name, const char *value, struct capture *capture)
{
    struct options options = { .stats = "before",
                               .verbose = -5,
                               .purge_delay = -5,
                               .huge_pages = -5,
                               .commit_limit = -5,
                               .reserve = -5,
                               .commit = -5 };
    setenv(name, value, 1);
    capture_begin(capture);
    options_read(&options);
    capture_end(capture);
    unsetenv(name);
    return options;
}

static void sizes_have_suffixes(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        { "0", 0 },
        { "1", 1 },
        { "007", 7 },
        { "4096", 4096 },
        { "1K", 1024 },
        { "1k", 1024 },
        { "3M", 3 << 20 },
        { "3m", 3 << 20 },
        { "2G", 2LL << 30 },
        { "2g", 2LL << 30 },
        { "1T", 1LL << 40 },
        { "1t", 1LL << 40 },
        { "0T", 0 },
        { "9223372036854775807", INT64_MAX },
        { "8388607T", 8388607LL << 40 },
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t bytes = -1;
        assert_true(parse_size(good[i].text, &bytes));
        assert_true(bytes == good[i].bytes);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        " ",
        "K",
        "-1",
        "+1",
        "1 ",
        " 1",
        "1KB",
        "1KK",
        "1.5M",
        "0x10",
        "1P",
        "12a",
        "--1",
        "1-",
        "1k ",
        "M1",
        "9223372036854775808",
        "8388608T",
        "99999999999999999999999999",
        "9007199254740992K",
        "\xff",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t bytes;
        assert_false(parse_size(bad[i], &bytes));
    }
}

static void nothing_set_changes_nothing(void **state)
{
    (void)state;
    struct capture capture;
    struct options options = read_with("BARROW_TEST_UNKNOWN", "1", &capture);
    assert_string_equal(capture.text, "");
    assert_string_equal(options.stats, "before");
    assert_true(options.verbose == -5 && options.purge_delay == -5);
    assert_true(options.huge_pages == -5 && options.commit_limit == -5 && options.reserve == -5);
    assert_true(options.commit == -5);
}

static void each_variable_has_its_field(void **state)
{
    (void)state;
    struct capture capture;
    assert_string_equal(read_with("BARROW_STATS", "/tmp/a", &capture).stats, "/tmp/a");
    assert_string_equal(read_with("BARROW_STATS", "", &capture).stats, "");
    assert_true(read_with("BARROW_VERBOSE", "2", &capture).verbose == 2);
    assert_true(read_with("BARROW_PURGE_DELAY", "-1", &capture).purge_delay == -1);
    assert_true(read_with("BARROW_PURGE_DELAY", "86400000", &capture).purge_delay == 86400000);
    assert_true(read_with("BARROW_HUGE_PAGES", "1", &capture).huge_pages == 1);
    assert_true(read_with("BARROW_COMMIT_LIMIT", "64M", &capture).commit_limit == 64 << 20);
    assert_true(read_with("BARROW_RESERVE", "1T", &capture).reserve == 1LL << 40);
    struct options last = read_with("BARROW_COMMIT", "1k", &capture);
    assert_true(last.commit == 1024 && last.reserve == -5);
    assert_string_equal(capture.text, "");
}

static void bad_values_are_reported_and_ignored(void **state)
{
    (void)state;
    const struct {
        const char *name, *value;
    } bad[] = {
        { "BARROW_VERBOSE", "3" },
        { "BARROW_VERBOSE", "-1" },
        { "BARROW_VERBOSE", "" },
        { "BARROW_VERBOSE", "1K" },
        { "BARROW_PURGE_DELAY", "-2" },
        { "BARROW_PURGE_DELAY", "86400001" },
        { "BARROW_PURGE_DELAY", "-" },
        { "BARROW_PURGE_DELAY", "5s" },
        { "BARROW_HUGE_PAGES", "yes" },
        { "BARROW_HUGE_PAGES", "2" },
        { "BARROW_HUGE_PAGES", "on" },
        { "BARROW_COMMIT_LIMIT", "much" },
        { "BARROW_COMMIT_LIMIT", "-1" },
        { "BARROW_RESERVE", "8388608T" },
        { "BARROW_COMMIT", "99999999999999999999" },
        { "BARROW_STATS", "no" },
        { "BARROW_STATS", "2" },
        { "BARROW_STATS", "stats.txt" },
#if defined(_WIN32)
        { "BARROW_REDIRECT", "7" },
        { "BARROW_CHILDREN", "5" },
#endif
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct capture capture;
        char start[200];
        struct options options = read_with(bad[i].name, bad[i].value, &capture);
        snprintf(start, sizeof start, "barrow: %s=%s is ignored: it should be ", bad[i].name,
                 bad[i].value);
        assert_memory_equal(capture.text, start, strlen(start));
        assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
        assert_true(options.verbose == -5 && options.purge_delay == -5 && options.reserve == -5);
        assert_true(options.huge_pages == -5);
        assert_true(options.commit_limit == -5 && options.commit == -5);
    }
}

/* The message is cut, and says all the same what is wrong with which variable. */
static void long_values_do_no_harm(void **state)
{
    (void)state;
#if defined(_WIN32)
    static char value[32000]; /* the system takes no longer ones */
#else
    static char value[100000];
#endif
    struct capture capture;
    memset(value, '9', sizeof value - 1);
    read_with("BARROW_COMMIT_LIMIT", value, &capture);
    assert_memory_equal(capture.text, "barrow: BARROW_COMMIT_LIMIT=999", 31);
    assert_true(strlen(capture.text) < 257);
    assert_non_null(strstr(capture.text, "bytes"));
}

/* A variable whose name only starts alike is another one. */
static void names_are_compared_whole(void **state)
{
    (void)state;
    struct capture capture;
    assert_true(read_with("BARROW_COMMIT_LIMIT2", "x", &capture).commit_limit == -5);
    assert_true(read_with("BARROW_COMMITS", "x", &capture).commit == -5);
}

static void unknown_names_are_reported(void **state)
{
    (void)state;
    const struct {
        const char *name, *text;
    } unknown[] = {
        { "BARROW_CHECK",
          "BARROW_CHECK is not an option of barrow and is ignored; did you mean BARROW_CHECKS?" },
        { "BARROW_PURGEDELAY",
          "BARROW_PURGEDELAY is not an option of barrow and is ignored; did you "
          "mean BARROW_PURGE_DELAY?" },
        { "BARROW_STATSS", "did you mean BARROW_STATS?" },
        { "BARROW_XYZZY_PLUGH", "BARROW_XYZZY_PLUGH is not an option of barrow and is ignored\n" },
        { "BARROW_", "BARROW_ is not an option of barrow and is ignored\n" },
    };
    for (size_t i = 0; i < COUNT(unknown); i++) {
        struct capture capture;
        read_with(unknown[i].name, "1", &capture);
        assert_non_null(strstr(capture.text, unknown[i].text));
        assert_ptr_equal(strchr(capture.text, '\n'), capture.text + strlen(capture.text) - 1);
    }
}

static void names_of_the_tools_are_known(void **state)
{
    (void)state;
    const char *const known[] = { "BARROW_LIBRARY", "BARROW_BENCH_BIN", "BARROW_TEST_SCALE",
                                  "BARROW_ROOT",    "BARROW_CHILDREN",  "BARROW_REDIRECT" };
    for (size_t i = 0; i < COUNT(known); i++) {
        struct capture capture;
        read_with(known[i], "1", &capture);
        assert_string_equal(capture.text, "");
    }
}

/* The list gives each option's default as a user would write it; these hold in a process without options. */
static void the_list_has_the_true_defaults(void **state)
{
    (void)state;
    const struct {
        const char *name, *preset;
    } rows[] = {
#define OPTION(field, name, variable, kind, min, max, preset, ...) { variable, preset },
#define WINDOWS_OPTION(...)
#define OTHER_VARIABLE(name)
#include "diag/options.def"
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct capture capture;
        struct options options = read_with(rows[i].name, rows[i].preset, &capture);
        assert_string_equal(capture.text, "");
        if (strcmp(rows[i].name, "BARROW_PURGE_DELAY") == 0)
            assert_int_equal(options.purge_delay, region_settings.purge_delay);
        if (strcmp(rows[i].name, "BARROW_HUGE_PAGES") == 0)
            assert_int_equal(options.huge_pages, region_settings.huge_pages);
        if (strcmp(rows[i].name, "BARROW_COMMIT_LIMIT") == 0)
            assert_int_equal(options.commit_limit, region_settings.commit_limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_suffixes),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(nothing_set_changes_nothing),
        cmocka_unit_test(each_variable_has_its_field),
        cmocka_unit_test(bad_values_are_reported_and_ignored),
        cmocka_unit_test(long_values_do_no_harm),
        cmocka_unit_test(names_are_compared_whole),
        cmocka_unit_test(unknown_names_are_reported),
        cmocka_unit_test(names_of_the_tools_are_known),
        cmocka_unit_test(the_list_has_the_true_defaults),
    };
    return cmocka_run_group_tests_name("options", tests, clear_environment, NULL);
}
