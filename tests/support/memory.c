/* SPDX-License-Identifier: MIT */
#include "support/memory.h"

#include <barrow/barrow.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"

size_t memory_resident(void)
{
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    size_t pages = 0;

    REQUIRE(length > 0);
    close(file);
    text[length] = '\0';
    const char *at = strchr(text, ' ');
    REQUIRE(at != NULL);
    for (at++; *at >= '0' && *at <= '9'; at++)
        pages = pages * 10 + (size_t)(*at - '0');
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t memory_used(void)
{
#if BARROW_TEST_SANITIZED
    struct barrow_stats stats = { .size = sizeof(stats) };

    /* what is free for the moment is no matter; there is no background thread here */
    barrow_malloc_trim(0);
    REQUIRE(barrow_stats_get(&stats) == 0);
    return stats.committed;
#else
    return memory_resident();
#endif
}

size_t memory_settles(size_t limit, unsigned milliseconds)
{
    unsigned long long end = clock_milliseconds() + milliseconds;
    size_t now = memory_resident();

    while (now > limit && clock_milliseconds() < end) {
        sleep_milliseconds(20);
        now = memory_resident();
    }
    return now;
}

/* The figure of a line of /proc/self/status. */
static size_t status_figure(const char *label)
{
    char text[8192];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, text, sizeof(text) - 1);

    REQUIRE(length > 0);
    close(file);
    text[length] = '\0';
    const char *line = strstr(text, label);
    size_t figure = 0;
    REQUIRE(line != NULL);
    for (line += strcspn(line, "0123456789"); *line >= '0' && *line <= '9'; line++)
        figure = figure * 10 + (size_t)(*line - '0');
    return figure;
}

size_t memory_writable(void)
{
    return status_figure("\nVmData:") * KIB;
}

size_t memory_virtual(void)
{
    return status_figure("\nVmSize:") * KIB;
}

size_t process_threads(void)
{
    return status_figure("\nThreads:");
}

/* Hands each line of /proc/self/maps to visit until it answers false. */
static void maps_visit(bool (*visit)(const char *line, void *context), void *context)
{
    char text[8192]; /* not thread-local: that would be taken off every small stack */
    size_t held = 0;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    bool more = true;

    REQUIRE(file >= 0);
    while (more) {
        ssize_t got = read(file, text + held, sizeof(text) - 1 - held);
        REQUIRE(got >= 0);
        if (got == 0)
            break;
        held += (size_t)got;
        text[held] = '\0';
        char *line = text;
        for (char *end; more && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            more = visit(line, context);
        }
        held -= (size_t)(line - text);
        memmove(text, line, held);
    }
    close(file);
}

static bool line_count(const char *line, void *context)
{
    (void)line;
    ++*(size_t *)context;
    return true;
}

size_t memory_mappings(void)
{
    size_t count = 0;

    maps_visit(line_count, &count);
    return count;
}

struct name_search {
    const char *text;
    bool found;
};

static bool line_has_name(const char *line, void *context)
{
    struct name_search *search = context;

    search->found = strstr(line, search->text) != NULL;
    return !search->found;
}

bool memory_maps_name(const char *text)
{
    struct name_search search = { text, false };

    maps_visit(line_has_name, &search);
    return search.found;
}

unsigned long long clock_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

void sleep_milliseconds(unsigned milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000) * 1000000 };

    while (nanosleep(&time, &time) != 0)
        continue;
}
