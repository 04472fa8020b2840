/* SPDX-License-Identifier: MIT */
/* sequence.c: an input is a sequence of calls by up to four threads, of which one at a time is on.
 * So the same input gives the same run, and the way of blocks from thread to thread is part of it.
 *
 * In a build with BARROW_SANITIZE=fuzzer-no-link: a target of libFuzzer. Otherwise it runs the
 * files that are named as arguments, and the files in folders that are, once each. */
#include "../model/shadow.h"
#include "calls.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, SLOTS = 96 };

/* A byte of the input in front of a step that is one of these is about threads instead. */
enum { PASS_ON = 0xe8, END_THREAD = 0xfc };

static struct slot slots[SLOTS];
static struct player player = { .slots = slots, .slot_count = SLOTS, .large = 24 };

/* Thread 0 is the main one. It starts the others, gives one the word and waits for it. */
static struct part {
    pthread_t thread;
    sem_t word;
    bool lives;
} parts[THREADS];

static sem_t word_of_main;
static unsigned passed_to; /* by who had the word last */
static bool has_ended;     /* who had the word last */

static uint64_t calls_ever, inputs_ever;

/* libFuzzer's clock interrupts. */
static void await(sem_t *word)
{
    while (sem_wait(word) != 0)
        AGREE(errno == EINTR);
}

static bool is_over(void)
{
    return player.source.at >= player.source.end;
}

/* Steps until the input is over or names another thread. */
static void play(unsigned me)
{
    passed_to = 0;
    has_ended = false;
    while (!is_over()) {
        uint8_t byte = *player.source.at;
        if (byte < PASS_ON) {
            player_step(&player);
            continue;
        }
        player.source.at++;
        passed_to = byte % THREADS;
        has_ended = byte >= END_THREAD && me != 0;
        if (has_ended || passed_to != me)
            return;
    }
    has_ended = true;
}

static void *live(void *number)
{
    unsigned me = (unsigned)(size_t)number;
    bool ends;
    do {
        await(&parts[me].word);
        play(me);
        ends = has_ended;
        AGREE(sem_post(&word_of_main) == 0);
    } while (!ends);
    return NULL;
}

static void give_word(unsigned whom)
{
    struct part *part = &parts[whom];
    if (!part->lives)
        AGREE(pthread_create(&part->thread, NULL, live, (void *)(size_t)whom) == 0);
    part->lives = true;
    AGREE(sem_post(&part->word) == 0);
    await(&word_of_main);
    if (!has_ended)
        return;
    AGREE(pthread_join(part->thread, NULL) == 0);
    part->lives = false;
}

static void run(const uint8_t *data, size_t size)
{
    player.source = (struct source){ data, data + size, 1 };
    for (passed_to = 0; !is_over();)
        if (passed_to == 0)
            play(0);
        else
            give_word(passed_to);
    for (unsigned whom = 1; whom < THREADS; whom++)
        if (parts[whom].lives)
            give_word(whom);
    player_clear(&player);
    calls_ever += player.calls;
    player.calls = 0;
    inputs_ever++;
}

static void report(void)
{
    fprintf(stderr, "%llu inputs, %llu calls: the model agrees\n", (unsigned long long)inputs_ever,
            (unsigned long long)calls_ever);
}

static void start(void)
{
    AGREE(shadow_start() && sem_init(&word_of_main, 0, 0) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        AGREE(sem_init(&parts[i].word, 0, 0) == 0);
    AGREE(atexit(report) == 0);
}

#if BARROW_LIBFUZZER

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size);
    return 0;
}

#else

enum { INPUT_MOST = 1 << 16 };

static void run_file(const char *path)
{
    static uint8_t data[INPUT_MOST];
    FILE *file = fopen(path, "rb");
    AGREE(file != NULL);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run(data, size);
}

static void run_folder(const char *path, DIR *folder)
{
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        AGREE(snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name);
        if (entry->d_name[0] != '.')
            run_file(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    start();
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder != NULL)
            run_folder(argv[i], folder);
        else
            run_file(argv[i]);
    }
    AGREE(inputs_ever > 0);
    return 0;
}

#endif
