/* SPDX-License-Identifier: MIT */
/* A program linked with an installed barrow. It ends with 0 only if malloc is barrow's, for its own
 * calls, for those of the C library, in a thread and in a forked child. */
#include <barrow/barrow.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static uint64_t live_bytes(void)
{
    struct barrow_stats stats = { .size = sizeof(stats) };
    if (barrow_stats_get(&stats) != 0)
        abort();
    return stats.live_bytes;
}

static void require(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "consumer: %s\n", what);
    exit(1);
}

static void own_calls(void)
{
    uint64_t before = live_bytes();
    char *block = malloc(8 * MIB);
    require(block != NULL && live_bytes() >= before + 8 * MIB, "malloc is not barrow's");
    memset(block, 1, 8 * MIB);
    block = realloc(block, 16 * MIB);
    require(block != NULL && live_bytes() >= before + 16 * MIB, "realloc is not barrow's");
    require(block[8 * MIB - 1] == 1, "realloc lost the contents");
    free(block);
    block = calloc(MIB, 2);
    require(block != NULL && live_bytes() >= before + 2 * MIB, "calloc is not barrow's");
    require(block[2 * MIB - 1] == 0, "calloc did not clear");
    free(block);
    block = aligned_alloc(4096, MIB);
    require((uintptr_t)block % 4096 == 0 && live_bytes() >= before + MIB,
            "aligned_alloc is not barrow's");
    free(block);
    require(live_bytes() < before + MIB, "free is not barrow's");
}

static void library_calls(void)
{
    uint64_t before = live_bytes();
    FILE *stream;
    char *text;
    size_t length;
    require((stream = open_memstream(&text, &length)) != NULL, "open_memstream failed");
    for (size_t i = 0; i < MIB; i++)
        fputc('x', stream);
    fclose(stream);
    require(live_bytes() >= before + MIB, "the C library's malloc is not barrow's");
    free(text);
}

static void *thread(void *unused)
{
    (void)unused;
    own_calls();
    return NULL;
}

static void in_thread(void)
{
    pthread_t id;
    require(pthread_create(&id, NULL, thread, NULL) == 0, "no thread");
    require(pthread_join(id, NULL) == 0, "thread did not end");
}

static void in_child(void)
{
    pid_t child = fork();
    require(child >= 0, "no child");
    if (child == 0) {
        own_calls();
        _exit(0);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

int main(void)
{
    char expected[32];
    snprintf(expected, sizeof(expected), "%d.%d.%d", BARROW_VERSION_MAJOR, BARROW_VERSION_MINOR,
             BARROW_VERSION_PATCH);
    require(strcmp(barrow_version(), expected) == 0, "header and library differ in version");
    own_calls();
    library_calls();
    in_thread();
    in_child();
    printf("malloc is barrow's, version %s\n", barrow_version());
    return 0;
}
