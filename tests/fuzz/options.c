/* SPDX-License-Identifier: MIT */
/* options.c: random environments, each tried with a process of its own that makes random calls
 * against the model (malloc/storm.c). Whatever the options say, sense or nonsense, the process must
 * end well and say nothing but the library's own lines.
 * Arguments: the storm's program, number of environments, calls of each, seed. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/rng.h"

enum { TEXT_MOST = 64, OUTPUT_MOST = 65536, SECONDS = 120 };

static uint64_t state;

static bool chance(unsigned percent)
{
    return rng_below(&state, 100) < percent;
}

/* Bytes that a number might be made of, and some that it is not. */
static void draw_nonsense(char *text)
{
    static const char letters[] = "0123456789999-+kKmMgGtTxX .,\t=\xff";
    size_t length = rng_below(&state, TEXT_MOST - 1);
    for (size_t i = 0; i < length; i++)
        text[i] = letters[rng_below(&state, sizeof letters - 1)];
    text[length] = '\0';
}

static void draw_number(char *text, long long least, long long most)
{
    long long edges[] = { least, most, least - 1, most + 1, 0, 1, INT64_MAX, INT64_MIN + 1 };
    long long value = chance(30) ? edges[rng_below(&state, 8)]
                                 : least + (long long)rng_below(&state, (uint64_t)(most - least));
    snprintf(text, TEXT_MOST, "%lld", value);
}

static void draw_size(char *text)
{
    static const char *const suffixes[] = { "", "k", "K", "m", "M", "g", "G", "t", "T", "Q" };
    snprintf(text, TEXT_MOST, "%llu%s", (unsigned long long)rng_size(&state, 24),
             suffixes[rng_below(&state, 10)]);
}

static void draw_value(const char *name, char *text)
{
    if (chance(15))
        draw_nonsense(text);
    else if (strcmp(name, "BARROW_PURGE_DELAY") == 0)
        draw_number(text, -1, chance(50) ? 20 : 86400000);
    else if (strcmp(name, "BARROW_STATS") == 0)
        snprintf(text, TEXT_MOST, "%s", chance(50) ? "1" : "/nowhere/at/all");
    else if (strcmp(name, "BARROW_HUGE_PAGES") == 0)
        draw_number(text, 0, 1);
    else if (strcmp(name, "BARROW_VERBOSE") == 0)
        draw_number(text, 0, 2);
    else
        draw_size(text);
}

static void set_environment(void)
{
    static const char *const names[] = { "BARROW_STATS",       "BARROW_VERBOSE",
                                         "BARROW_PURGE_DELAY", "BARROW_HUGE_PAGES",
                                         "BARROW_RESERVE",     "BARROW_COMMIT_LIMIT",
                                         "BARROW_COMMIT" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[TEXT_MOST];
        unsetenv(names[i]);
        if (chance(60))
            continue;
        draw_value(names[i], text);
        setenv(names[i], text, 1);
    }
}

static size_t read_all(int from, char *output)
{
    size_t length = 0;
    ssize_t n;
    while (length < OUTPUT_MOST - 1 &&
           (n = read(from, output + length, OUTPUT_MOST - 1 - length)) > 0)
        length += (size_t)n;
    output[length] = '\0';
    return length;
}

/* The account and the messages; each line of the account is indented. */
static bool is_ours(const char *output)
{
    for (const char *line = output; *line != '\0';) {
        if (strncmp(line, "barrow: ", 8) != 0 && *line != ' ')
            return false;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return true;
}

static void show_environment(void)
{
    extern char **environ;
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, "BARROW_", 7) == 0)
            fprintf(stderr, "  %s\n", *entry);
}

static bool try_environment(const char *storm, const char *calls, unsigned long seed)
{
    static char output[OUTPUT_MOST];
    char seed_text[24];
    int ends[2], status;
    if (pipe(ends) != 0)
        return false;
    snprintf(seed_text, sizeof seed_text, "%lu", seed);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(1);
        alarm(SECONDS);
        execl(storm, storm, calls, "2", seed_text, "short", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    read_all(ends[0], output);
    close(ends[0]);
    waitpid(child, &status, 0);
    if (status == 0 && is_ours(output))
        return true;
    fprintf(stderr, "status %#x, seed %lu, with\n", (unsigned)status, seed);
    show_environment();
    fprintf(stderr, "it wrote:\n%s\n", output);
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    unsigned long rounds = strtoul(argv[2], NULL, 0);
    state = strtoull(argv[4], NULL, 0);
    for (unsigned long i = 0; i < rounds; i++) {
        set_environment();
        if (!try_environment(argv[1], argv[3], i))
            return 1;
    }
    printf("%lu environments, %s calls in each: all ended well\n", rounds, argv[3]);
    return 0;
}
