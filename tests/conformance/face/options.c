/* SPDX-License-Identifier: MIT */
/* Options by environment: good values are obeyed without a word, bad ones are reported once on
 * standard error and ignored. Each runs in a process of its own. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/memory.h"
#include "support/pattern.h"
#include "support/suite.h"

/* --- what the children do ------------------------------------------------------------------ */

static void *thread_works(void *argument)
{
    for (size_t size = 1; size < 4 * MIB; size = size * 2 + 1) {
        void *block = malloc(size);
        if (block == NULL)
            return NULL;
        pattern_fill(block, size, size);
        if (!pattern_holds(block, size, size, size))
            return NULL;
        free(block);
    }
    return argument;
}

static int works_alone(void)
{
    return thread_works((void *)1) != NULL ? 0 : 1;
}

/* Some of everything: two threads and a forked child, in case one of them repeats a report. */
static int child_works(const char *argument)
{
    pthread_t threads[2];
    void *done;

    (void)argument;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, thread_works, threads) != 0)
            return 2;
    for (int i = 0; i < 2; i++)
        if (pthread_join(threads[i], &done) != 0 || done == NULL)
            return 3;
    if (!child_forks(works_alone))
        return 4;
    malloc_trim(0);
    dprintf(1, "worked");
    return 0;
}

/* How long to wait for memory that is to go back, in milliseconds; as a rule it takes a few
 * hundred. */
enum { PATIENCE = 30000, LITTLE = 20 /* MiB */ };

enum { SIZE = 16384 };

static void blocks_free(void)
{
    enum { BLOCKS = 4096 };
    static unsigned char *blocks[BLOCKS];

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        memset(blocks[i], 1, SIZE);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* Tells the resident memory in MiB after 64 MiB of blocks were freed and a while, in which a few
 * more calls were made, has passed: that time, or with "settle" until there is little. */
static int child_frees(const char *argument)
{
    bool settle = strcmp(argument, "settle") == 0;
    unsigned steps = settle ? PATIENCE / 50 : (unsigned)strtoul(argument, NULL, 10) / 50;

    blocks_free();
    for (unsigned i = 0; i < steps; i++) {
        sleep_milliseconds(50);
        free(opaque(malloc(SIZE * (i % 8 + 1))));
        if (settle && memory_resident() / MIB <= LITTLE)
            break;
    }
    dprintf(1, "%zu ", memory_resident() / MIB);
    malloc_trim(0);
    dprintf(1, "%zu ", memory_resident() / MIB);
    return 0;
}

/* Tells how many threads the process has at most, while it uses memory and waits a little. */
static int child_counts_threads(const char *argument)
{
    size_t most = 0;

    (void)argument;
    for (int i = 0; i < 80; i++) {
        if (i % 10 == 0)
            thread_works(&most);
        size_t threads = process_threads();
        most = threads > most ? threads : most;
        sleep_milliseconds(20);
    }
    dprintf(1, "%zu", most);
    return 0;
}

/* Tells how many MiB of writable memory the process has once it has a small heap. */
static int child_tells_commit(const char *argument)
{
    (void)argument;
    free(opaque(malloc(100)));
    dprintf(1, "%zu", memory_writable() / MIB);
    return 0;
}

static void run(const char *name, const char *argument, const char *setting,
                struct child_result *result)
{
    const char *const args[] = { "--case", name, argument, NULL };
    const char *const env[] = { "BARROW_STATS",
                                "BARROW_VERBOSE",
                                "BARROW_PURGE_DELAY",
                                "BARROW_BACKGROUND",
                                "BARROW_RESERVE",
                                "BARROW_COMMIT",
                                "BARROW_COMMIT_LIMIT",
                                "BARROW_CHECKS",
                                "BARROW_HUGE_PAGES",
                                setting,
                                NULL };

    child_run(&(struct child){ .args = args, .env = env }, result);
}

/* --- reports ------------------------------------------------------------------------------- */

static size_t line_count(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

static void bad_values_are_reported_once(void **state)
{
    static const char *const settings[] = {
        "BARROW_VERBOSE=loud",
        "BARROW_VERBOSE=-1",
        "BARROW_VERBOSE=3",
        "BARROW_VERBOSE=1x",
        "BARROW_PURGE_DELAY=soon",
        "BARROW_PURGE_DELAY=-2",
        "BARROW_PURGE_DELAY=1.5",
        "BARROW_PURGE_DELAY=99999999999999999999",
        "BARROW_COMMIT_LIMIT=lots",
        "BARROW_COMMIT_LIMIT=-5",
        "BARROW_COMMIT_LIMIT=M",
        "BARROW_COMMIT_LIMIT=64Q",
        "BARROW_COMMIT_LIMIT=64MM",
        "BARROW_COMMIT_LIMIT=64M ",
        "BARROW_COMMIT_LIMIT=99999999999999999999",
        "BARROW_COMMIT_LIMIT=99999999999T",
        "BARROW_HUGE_PAGES=2",
        "BARROW_HUGE_PAGES=always",
        "BARROW_RESERVE=wide",
        "BARROW_RESERVE=-1",
        "BARROW_COMMIT=much",
        "BARROW_COMMIT=1..5M",
#if !defined(_WIN32) /* there the account of what was redirected stands beside it */
        "BARROW_STATS=/nonexistent/directory/file",
#endif
        "BARROW_CHECK=1",
        "BARROW_PURGEDELAY=0",
        "BARROW_OF_A_LATER_VERSION=1",
        "BARROW_STATS=no",
        "BARROW_CHECKS=2",
        "BARROW_CHECKS=",
        "BARROW_CHECKS=all",
        "BARROW_CHECKS=guard,",
        "BARROW_CHECKS=guard,everything",
        "BARROW_CHECKS=guard=1",
        "BARROW_CHECKS=sample=often",
        "BARROW_CHECKS=sample=-1",
        "BARROW_CHECKS=quarantine=lots",
        "BARROW_CHECKS=quarantine=99999999999999999999",
    };
    static struct child_result result;
    size_t faults = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(settings[i], "="), settings[i]);
        run("work", NULL, settings[i], &result);
        if (!child_exited(&result, 0) || strcmp(result.out, "worked") != 0 ||
            line_count(result.err) != 1 || strncmp(result.err, "barrow: ", 8) != 0 ||
            strstr(result.err, name) == NULL) {
            child_show(settings[i], &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

static void good_values_are_taken_silently(void **state)
{
    static const char *const settings[] = {
        "BARROW_STATS=0",
        "BARROW_VERBOSE=0",
        "BARROW_PURGE_DELAY=0",
        "BARROW_PURGE_DELAY=-1",
        "BARROW_PURGE_DELAY=1",
        "BARROW_PURGE_DELAY=500",
        "BARROW_PURGE_DELAY=3600000",
        "BARROW_COMMIT_LIMIT=268435456",
        "BARROW_COMMIT_LIMIT=262144K",
        "BARROW_COMMIT_LIMIT=256M",
        "BARROW_COMMIT_LIMIT=1G",
        "BARROW_COMMIT_LIMIT=4T",
        "BARROW_COMMIT_LIMIT=0",
        "BARROW_HUGE_PAGES=0",
        "BARROW_HUGE_PAGES=1",
        "BARROW_RESERVE=256M",
        "BARROW_RESERVE=64G",
        "BARROW_COMMIT=64K",
        "BARROW_COMMIT=32M",
        "BARROW_CHECKS=0",
        "BARROW_CHECKS=1",
        "BARROW_CHECKS=guard",
        "BARROW_CHECKS=sample=1",
        "BARROW_CHECKS=sample=3,exit",
        "BARROW_CHECKS=guard,fill,quarantine=1M,random,sample=100,exit",
    };
    static struct child_result result;
    size_t faults = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        run("work", NULL, settings[i], &result);
        if (!child_exited(&result, 0) || strcmp(result.out, "worked") != 0 ||
            result.err[0] != '\0') {
            child_show(settings[i], &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

/* --- obedience ----------------------------------------------------------------------------- */

static void verbose_tells_on_standard_error(void **state)
{
    static struct child_result result;

    (void)state;
    run("work", NULL, "BARROW_VERBOSE=2", &result);
    assert_true(child_exited(&result, 0));
    assert_string_equal(result.out, "worked");
    assert_int_not_equal(line_count(result.err), 0);
    for (const char *line = result.err; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_int_equal(strncmp(line, "barrow: ", 8), 0);
}

static void stats_end_on_standard_error(void **state)
{
    static struct child_result result;

    (void)state;
    run("work", NULL, "BARROW_STATS=1", &result);
    assert_true(child_exited(&result, 0));
    assert_string_equal(result.out, "worked");
    assert_int_not_equal(line_count(result.err), 0);
    assert_int_not_equal(strcspn(result.err, "0123456789"), strlen(result.err));
}

static long file_length(const char *path)
{
    int file = open(path, O_RDONLY);
    long length = (long)lseek(file, 0, SEEK_END);

    close(file);
    return length;
}

static void stats_are_added_to_a_file(void **state)
{
    static struct child_result result;
    char path[] = "/tmp/barrow-account-XXXXXX";
    char setting[64];
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    close(file);
    snprintf(setting, sizeof(setting), "BARROW_STATS=%s", path);
    run("work", NULL, setting, &result);
    long first = file_length(path);
    run("work", NULL, setting, &result);
    long second = file_length(path);
    unlink(path);
    assert_true(child_exited(&result, 0));
    assert_string_equal(result.out, "worked");
#if !defined(_WIN32) /* there the account of what was redirected comes all the same */
    assert_string_equal(result.err, "");
#endif
    assert_true(first > 0);
    assert_true(second > first);
}

/* The two figures that child_frees tells. */
static void resident_after(const char *wait, const char *setting, size_t *later, size_t *trimmed)
{
    static struct child_result result;

    run("free", wait, setting, &result);
    assert_true(child_exited(&result, 0));
    assert_int_equal(sscanf(result.out, "%zu %zu", later, trimmed), 2);
}

static void purge_delay_zero_returns_at_once(void **state)
{
    size_t later;
    size_t trimmed;

    (void)state;
    resident_after("0", "BARROW_PURGE_DELAY=0", &later, &trimmed);
    assert_in_range(later, 0, 20);
    assert_in_range(trimmed, 0, 16);
}

static void purge_delay_below_zero_keeps_all(void **state)
{
    size_t later;
    size_t trimmed;

    (void)state;
    resident_after("2000", "BARROW_PURGE_DELAY=-1", &later, &trimmed);
    assert_in_range(later, 50, 100);
    assert_in_range(trimmed, 0, 16);
}

/* What one burst leaves goes back as it is freed, without a wait and without another call. */
static void a_burst_leaves_little(void **state)
{
    size_t later;
    size_t trimmed;

    (void)state;
    resident_after("0", "BARROW_PURGE_DELAY=60000", &later, &trimmed);
    assert_in_range(later, 0, LITTLE);
    resident_after("0", "BARROW_PURGE_DELAY=100", &later, &trimmed);
    assert_in_range(later, 0, LITTLE);
}

static void the_library_makes_no_thread(void **state)
{
    static struct child_result result;

    (void)state;
    run("threads", NULL, "BARROW_PURGE_DELAY=1", &result);
    assert_true(child_exited(&result, 0));
    assert_string_equal(result.out, "1");
}

static size_t commit_at_start(const char *setting)
{
    static struct child_result result;

    run("commit", NULL, setting, &result);
    assert_true(child_exited(&result, 0));
    return strtoul(result.out, NULL, 10);
}

static void initial_commit_is_made(void **state)
{
    (void)state;
    size_t usual = commit_at_start("BARROW_VERBOSE=0");
    assert_in_range(commit_at_start("BARROW_COMMIT=100M"), usual + 90, usual + 110);
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = {
        { "work", child_works },
        { "free", child_frees },
        { "threads", child_counts_threads },
        { "commit", child_tells_commit },
        { NULL, NULL },
    };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_values_are_reported_once),
        cmocka_unit_test(good_values_are_taken_silently),
        cmocka_unit_test(verbose_tells_on_standard_error),
        cmocka_unit_test(stats_end_on_standard_error),
        cmocka_unit_test(stats_are_added_to_a_file),
        cmocka_unit_test(purge_delay_zero_returns_at_once),
        cmocka_unit_test(purge_delay_below_zero_keeps_all),
        cmocka_unit_test(a_burst_leaves_little),
        cmocka_unit_test(the_library_makes_no_thread),
        cmocka_unit_test(initial_commit_is_made),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
