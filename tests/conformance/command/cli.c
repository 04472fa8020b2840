/* SPDX-License-Identifier: MIT */
/* cli.c: what the command says, and how it takes its options. */
#include "run.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct outcome outcome;

static void help_goes_to_output(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "--help");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "Usage: barrow COMMAND");
    assert_contains(outcome.out, "  run ");
    assert_string_equal(outcome.err, "");

    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--help");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "Usage: barrow run [OPTION]... [--] PROGRAM");
    assert_contains(outcome.out, "--limit=SIZE");
    assert_contains(outcome.out, "purge-delay=MS");
    assert_string_equal(outcome.err, "");
}

/* The library's own list, and not another: names, defaults, and what a value may be. */
static void options_are_the_librarys(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--help");
#define OPTION(field, name, variable, kind, min, max, preset, value, summary)                      \
    assert_contains(outcome.out, "\n  " name "=" value);                                           \
    assert_contains(outcome.out, summary " (" preset ")\n");
#define WINDOWS_OPTION(field, name, ...) assert_lacks(outcome.out, name "=");
#define OTHER_VARIABLE(name)
#include "diag/options.def"
}

static void help_is_a_command_too(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "help");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "Usage: barrow COMMAND");
    RUN(&outcome, NULL, BARROW_COMMAND, "help", "run");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "Usage: barrow run [OPTION]... [--] PROGRAM");
    RUN(&outcome, NULL, BARROW_COMMAND, "help", "walk");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "'walk' is not a command of barrow");
}

static void what_was_meant_is_suggested(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "rn", "true");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "did you mean 'run'?");
    RUN(&outcome, NULL, BARROW_COMMAND, "rnu", "true");
    assert_contains(outcome.err, "did you mean 'run'?");
    RUN(&outcome, NULL, BARROW_COMMAND, "vershion");
    assert_contains(outcome.err, "did you mean 'version'?");
    RUN(&outcome, NULL, BARROW_COMMAND, "xyzzy");
    assert_lacks(outcome.err, "did you mean");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "-o", "check=1", "true");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "did you mean 'checks'?");
}

static void version_is_the_headers(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "--version");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "barrow " BARROW_VERSION "\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "version");
    assert_exit(outcome.status, 0);
    assert_string_equal(outcome.out, "barrow " BARROW_VERSION "\n");
    RUN(&outcome, NULL, BARROW_COMMAND, "version", "now");
    assert_exit(outcome.status, 125);
}

static void output_to_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY), 1);
}

static void unwritten_help_is_an_error(void **state)
{
    (void)state;
    RUN(&outcome, output_to_full_device, BARROW_COMMAND, "--help");
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "No space left");
}

static void bare_call_shows_usage(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND);
    assert_exit(outcome.status, 125);
    assert_string_equal(outcome.out, "");
    assert_contains(outcome.err, "Usage: barrow COMMAND");
}

static void wrong_calls_point_to_help(void **state)
{
    (void)state;
    static const struct {
        const char *argument, *other, *message, *help;
    } calls[] = {
        { "walk", NULL, "'walk' is not a command of barrow", "'barrow --help'" },
        { "--size", NULL, "barrow: unrecognized option '--size'", "'barrow --help'" },
        { "run", NULL, "no program is named", "'barrow run --help'" },
        { "run", "--", "no program is named", "'barrow run --help'" },
        { "run", "--size", "barrow run: unrecognized option '--size'", "'barrow run --help'" },
        { "run", "--limit", "barrow run: option '--limit' requires an argument", "'barrow run" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        RUN(&outcome, NULL, BARROW_COMMAND, calls[i].argument, calls[i].other);
        assert_exit(outcome.status, 125);
        assert_contains(outcome.err, calls[i].message);
        assert_contains(outcome.err, calls[i].help);
        assert_string_equal(outcome.out, "");
    }
}

/* The value that the program finds in the variable, as "NAME=value\n". */
static void assert_variable(const char *option, const char *value, const char *expected)
{
    char argument[128], line[160];
    snprintf(argument, sizeof argument, "%s=%s", option, value);
    snprintf(line, sizeof line, "\n%s\n", expected);
    RUN(&outcome, NULL, BARROW_COMMAND, "run", argument, "sh", "-c", "echo; env");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, line);
}

static void sizes_become_bytes(void **state)
{
    (void)state;
    assert_variable("--limit", "0", "BARROW_COMMIT_LIMIT=0");
    assert_variable("--limit", "123456", "BARROW_COMMIT_LIMIT=123456");
    assert_variable("--limit", "1K", "BARROW_COMMIT_LIMIT=1024");
    assert_variable("--limit", "64m", "BARROW_COMMIT_LIMIT=67108864");
    assert_variable("--limit", "3G", "BARROW_COMMIT_LIMIT=3221225472");
    assert_variable("--limit", "2T", "BARROW_COMMIT_LIMIT=2199023255552");
    assert_variable("--limit", "9223372036854775807", "BARROW_COMMIT_LIMIT=9223372036854775807");
    assert_variable("--option=reserve", "8388607T", "BARROW_RESERVE=9223370937343148032");
    assert_variable("--option=commit", "8k", "BARROW_COMMIT=8192");
}

static void bad_sizes_are_errors(void **state)
{
    (void)state;
    static const char *const sizes[] = {
        "",          "-1",
        "+1",        " 1",
        "1 ",        "1.5G",
        "0x10",      "K",
        "1KK",       "1KB",
        "1P",        "1 K",
        "ten",       "9223372036854775808",
        "8388608T",  "18446744073709551617",
        "16777217T", "99999999999999999999K",
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char message[64];
        snprintf(message, sizeof message, "--limit: '%s' is not a size", sizes[i]);
        RUN(&outcome, NULL, BARROW_COMMAND, "run", "--limit", sizes[i], "echo", "ran");
        assert_exit(outcome.status, 125);
        assert_contains(outcome.err, message);
        assert_string_equal(outcome.out, "");
    }
}

static void options_become_variables(void **state)
{
    (void)state;
    assert_variable("--purge-delay", "0", "BARROW_PURGE_DELAY=0");
    assert_variable("--purge-delay", "-1", "BARROW_PURGE_DELAY=-1");
    assert_variable("--option=purge-delay", "86400000", "BARROW_PURGE_DELAY=86400000");
    assert_variable("--option=huge-pages", "0", "BARROW_HUGE_PAGES=0");
    assert_variable("--option=verbose", "2", "BARROW_VERBOSE=2");
    assert_variable("--option=stats", "1", "BARROW_STATS=1");
    assert_variable("--option=checks", "guard,sample=5", "BARROW_CHECKS=guard,sample=5");
    assert_variable("--option=commit-limit", "1M", "BARROW_COMMIT_LIMIT=1048576");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--huge-pages", "-vv", "env");
    assert_exit(outcome.status, 0);
    assert_contains(outcome.out, "BARROW_HUGE_PAGES=1\n");
    assert_contains(outcome.out, "BARROW_VERBOSE=2\n");
    assert_contains(outcome.err, "barrow: running /");
}

static void bad_options_are_errors(void **state)
{
    (void)state;
    static const char *const pairs[] = {
        "verbose=3",
        "verbose=-1",
        "verbose=",
        "verbose",
        "purge-delay=-2",
        "purge-delay=1s",
        "purge-delay=+1",
        "huge-pages=2",
        "stats=yes",
        "checks=2",
        "checks=guard,",
        "BARROW_VERBOSE=1",
        "=1",
        "",
        "commit=x",
        "purge-delay=86400001",
        "purge-delay=99999999999999999999",
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        RUN(&outcome, NULL, BARROW_COMMAND, "run", "-o", pairs[i], "echo", "ran");
        assert_exit(outcome.status, 125);
        assert_contains(outcome.err, "barrow: ");
        assert_string_equal(outcome.out, "");
    }
    assert_contains(outcome.err, "'99999999999999999999' is not a number from -1 to 86400000");
}

static void arguments_pass_unchanged(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "printf", "<%s>", "--stats", "", "a b", "--");
    assert_string_equal(outcome.out, "<--stats><><a b><-->");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "--", "printf", "<%s>", "--", "-v", "$HOME*");
    assert_string_equal(outcome.out, "<--><-v><$HOME*>");
    RUN(&outcome, NULL, BARROW_COMMAND, "run", "-s", "--", "printf", "<%s>", "--", "-v", "$HOME*");
    assert_string_equal(outcome.out, "<--><-v><$HOME*>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_the_librarys),    cmocka_unit_test(help_is_a_command_too),
        cmocka_unit_test(what_was_meant_is_suggested), cmocka_unit_test(help_goes_to_output),
        cmocka_unit_test(version_is_the_headers),      cmocka_unit_test(unwritten_help_is_an_error),
        cmocka_unit_test(bare_call_shows_usage),       cmocka_unit_test(wrong_calls_point_to_help),
        cmocka_unit_test(sizes_become_bytes),          cmocka_unit_test(bad_sizes_are_errors),
        cmocka_unit_test(options_become_variables),    cmocka_unit_test(bad_options_are_errors),
        cmocka_unit_test(arguments_pass_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
