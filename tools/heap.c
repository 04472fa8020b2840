/* SPDX-License-Identifier: MIT */
/* heap.c: barrow heap: looks at heaps in files, checks, repairs, shortens and copies them. */
#include "command.h"
#include "heap_library.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_UNSOUND = 1, MAP_COLUMNS = 64, MAP_CELL = 1024 };

static struct heap_library library;

static int complain(const char *path)
{
    warnx("%s: %s", path, heap_library_error(&library));
    return STATUS_FAILED;
}

static HANDLE open_heap(const char *path, DWORD flags)
{
    HANDLE heap = library.open_file(path, 0, 0, BARROW_HEAP_MUST_EXIST | flags);
    if (heap == NULL)
        complain(path);
    return heap;
}

static int close_heap(HANDLE heap, const char *path)
{
    return library.close(heap) ? print_text("") : complain(path);
}

/* ---- info ----------------------------------------------------------------------------------- */

struct sums {
    uint64_t blocks, bytes, free_blocks, free_bytes;
};

static struct sums count_blocks(HANDLE heap)
{
    PROCESS_HEAP_ENTRY entry = { 0 };
    struct sums sums = { 0 };
    while (library.walk(heap, &entry)) {
        if (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) {
            sums.blocks++;
            sums.bytes += library.size(heap, 0, entry.lpData);
        } else if (entry.wFlags == 0) {
            sums.free_blocks++;
            sums.free_bytes += entry.cbData;
        }
    }
    return sums;
}

static int info(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, BARROW_HEAP_READ_ONLY);
    struct barrow_mapped_heap_info facts = { .size = sizeof facts };
    if (heap == NULL)
        return STATUS_FAILED;
    if (!library.info(heap, &facts))
        return complain(path);
    struct sums sums = count_blocks(heap);
    printf("file        %" PRIu64 " bytes, for blocks at most %" PRIu64 "\n", facts.file_size,
           facts.maximum);
    printf("type        %s, version %" PRIu64 "\n", facts.type[0] != 0 ? facts.type : "none",
           facts.user_version);
    printf("blocks      %" PRIu64 ", of %" PRIu64 " bytes\n", sums.blocks, sums.bytes);
    printf("free        %" PRIu64 " blocks, of %" PRIu64 " bytes\n", sums.free_blocks,
           sums.free_bytes);
    printf("history     %" PRIu64 " openings, %" PRIu64 " recoveries, %" PRIu64 " syncs\n",
           facts.openings, facts.recoveries, facts.syncs);
    if (facts.damaged)
        puts("damaged     yes; see barrow heap repair");
    return close_heap(heap, path);
}

/* ---- check, repair, compact ----------------------------------------------------------------- */

static int check(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, BARROW_HEAP_READ_ONLY);
    if (heap == NULL)
        return library.last_error() == ERROR_FILE_CORRUPT ? STATUS_UNSOUND : STATUS_FAILED;
    bool sound = library.validate(heap, 0, NULL);
    printf("%s: %s\n", path, sound ? "sound" : "damaged");
    int status = close_heap(heap, path);
    return sound ? status : STATUS_UNSOUND;
}

static int repair(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, BARROW_HEAP_REPAIR);
    if (heap == NULL)
        return STATUS_FAILED;
    bool sound = library.validate(heap, 0, NULL);
    printf("%s: %s, %" PRIu64 " blocks\n", path, sound ? "sound" : "damaged",
           count_blocks(heap).blocks);
    int status = close_heap(heap, path);
    return sound ? status : STATUS_UNSOUND;
}

static uint64_t file_size(HANDLE heap)
{
    struct barrow_mapped_heap_info facts = { .size = sizeof facts };
    return library.info(heap, &facts) ? facts.file_size : 0;
}

static int compact(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, 0);
    if (heap == NULL)
        return STATUS_FAILED;
    uint64_t before = file_size(heap);
    library.compact(heap, 0);
    printf("%s: %" PRIu64 " bytes, before %" PRIu64 "\n", path, file_size(heap), before);
    return close_heap(heap, path);
}

/* ---- roots, snapshot, map ------------------------------------------------------------------- */

static int roots(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, BARROW_HEAP_READ_ONLY);
    char name[BARROW_ROOT_NAME_SIZE];
    DWORD position = 0;
    void *block;
    if (heap == NULL)
        return STATUS_FAILED;
    while (library.next_root(heap, &position, name, &block))
        printf("%-55s %12" PRIu64 " %10zu\n", name, library.offset(heap, block),
               (size_t)library.size(heap, 0, block));
    return close_heap(heap, path);
}

static int snapshot(const char *path, const char *copy)
{
    HANDLE heap = open_heap(path, BARROW_HEAP_READ_ONLY);
    if (heap == NULL)
        return STATUS_FAILED;
    if (!library.snapshot(heap, copy))
        return complain(copy);
    return close_heap(heap, path);
}

/* A character for each KiB: '#' all in use, '+' in part, '.' free. */
static void print_cell(uint64_t cell, size_t used)
{
    if (cell % MAP_COLUMNS == 0)
        printf("%s%12" PRIu64 " ", cell == 0 ? "" : "\n", cell * MAP_CELL);
    putchar(used == 0 ? '.' : used >= MAP_CELL ? '#' : '+');
}

struct map {
    uint64_t cell;
    size_t used; /* bytes of the cell */
};

static void map_range(struct map *map, uint64_t start, uint64_t end, bool busy)
{
    while (start < end) {
        uint64_t cell_end = (map->cell + 1) * MAP_CELL;
        uint64_t stop = end < cell_end ? end : cell_end;
        map->used += busy && stop > start ? (size_t)(stop - start) : 0;
        start = stop > start ? stop : start;
        if (start < cell_end)
            return;
        print_cell(map->cell++, map->used);
        map->used = 0;
    }
}

static int map(const char *path, const char *unused)
{
    (void)unused;
    HANDLE heap = open_heap(path, BARROW_HEAP_READ_ONLY);
    PROCESS_HEAP_ENTRY entry = { 0 };
    struct map state = { 0 };
    uint64_t at = 0;
    if (heap == NULL)
        return STATUS_FAILED;
    while (library.walk(heap, &entry)) {
        uint64_t start = library.offset(heap, entry.lpData);
        if (start == 0 || (entry.wFlags & ~PROCESS_HEAP_ENTRY_BUSY) != 0)
            continue;
        map_range(&state, at, start, true); /* headers, and the file's head */
        at = start + entry.cbData + entry.cbOverhead;
        map_range(&state, start, at, (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0);
    }
    if (state.used != 0)
        print_cell(state.cell, state.used);
    putchar('\n');
    return close_heap(heap, path);
}

/* ---- the command ---------------------------------------------------------------------------- */

static const struct {
    const char *name, *summary;
    int (*act)(const char *path, const char *second);
    int files;
} actions[] = {
    { "info", "sizes, type, blocks, history", info, 1 },
    { "check", "look at all of it; exit status 1 if it is damaged", check, 1 },
    { "repair", "make lists anew; what can't be recognised is lost", repair, 1 },
    { "compact", "give free pages back, and shorten the file", compact, 1 },
    { "roots", "names, offsets and sizes of the roots", roots, 1 },
    { "snapshot", "FILE COPY: copy it, also while it is in use", snapshot, 2 },
    { "map", "a character for each KiB: # in use, + in part, . free", map, 1 },
};

enum { ACTIONS = sizeof actions / sizeof actions[0] };

static int print_help(void)
{
    fputs("Usage: barrow heap ACTION FILE\n"
          "Look after a heap that lives in a file (barrow/mapped_heap.h).\n"
          "\n",
          stdout);
    for (int i = 0; i < ACTIONS; i++)
        printf("  %-9s %s\n", actions[i].name, actions[i].summary);
    return print_text("\n"
                      "info, check, roots, snapshot and map only read the file.\n"
                      "\n"
                      "Exit status: 0; 1 if the heap is damaged; 125 if barrow itself fails.\n");
}

static int find_action(const char *name)
{
    for (int i = 0; i < ACTIONS; i++)
        if (strcmp(actions[i].name, name) == 0)
            return i;
    return -1;
}

int heap_main(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
    int option = getopt_long(argc, argv, "+h", options, NULL);
    if (option == 'h')
        return print_help();
    if (option != -1)
        return usage_error(argv[0]);
    int action = optind < argc ? find_action(argv[optind]) : -1;
    if (action < 0 || argc - optind - 1 != actions[action].files) {
        if (optind < argc && action < 0)
            warnx("'%s' is not an action of barrow heap", argv[optind]);
        else
            warnx(action < 0 ? "no action is named" : "wrong number of files");
        return usage_error(argv[0]);
    }
    char **files = argv + optind + 1;
    if (!heap_library_load(&library, argc, argv))
        return STATUS_FAILED;
    return actions[action].act(files[0], files[1]);
}
