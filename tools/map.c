/* SPDX-License-Identifier: MIT */
/* map.c: barrow map: pictures of heaps. Whatever is to be drawn is a text of snapshots first, of a
 * process now or in a while, or from files. */
#include "command.h"
#include "map_page.h"
#include "map_picture.h"
#include "module.h"
#include "process_list.h"
#include "snapshot.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct request {
    const char *output;
    double every, during; /* seconds; 0: once */
};

enum { OPTION_EVERY = 256, OPTION_FOR };

/* Blocks are looked into in heaps of no more than so many bytes of slabs, for all moments together. */
#define SLABS_MOST ((uint64_t)256 << 20)

static const struct option long_options[] = {
    { "every", required_argument, NULL, OPTION_EVERY },
    { "for", required_argument, NULL, OPTION_FOR },
    { "help", no_argument, NULL, 'h' },
    { "output", required_argument, NULL, 'o' },
    { 0 },
};

static int print_help(void)
{
    return print_text(
        "Usage: barrow map [OPTION]... PID\n"
        "       barrow map [OPTION]... SNAPSHOT...\n"
        "Draw the heap of a running process that has barrow: each 64 KiB of its address space,\n"
        "coloured by what it is and shaded by how full it is.\n"
        "\n"
        "  -o, --output=FILE  what to write, by the end of its name:\n"
        "                     .html  a page with figures, zoom to pages and blocks, and a slider\n"
        "                            over snapshots, which can be compared (the default:\n"
        "                            heap-PID.html)\n"
        "                     .svg, .png  the last snapshot as a picture\n"
        "                     .map  the snapshots, to be given to this command later\n"
        "      --every=TIME   take a snapshot every TIME: 500ms, 1s, 2m\n"
        "      --for=TIME     and do so for TIME (10 times, if it is not given)\n"
        "  -h, --help         show this help\n"
        "\n"
        "Several files of snapshots are put one behind the other, to be compared.\n"
        "\n"
        "Exit status: 0; 1 if the process or a file could not be read or written; 125 after a\n"
        "wrong call.\n");
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool take(FILE *out, pid_t pid, uint64_t slabs_most)
{
    struct remote remote;
    static struct view view;
    if (!remote_require(&remote, pid))
        return false;
    if (!view_take(&view, &remote)) {
        warnx("process %jd ended while it was read", (intmax_t)pid);
        return false;
    }
    snapshot_write(out, &view, &remote, now(CLOCK_REALTIME), slabs_most);
    view_free(&view);
    return true;
}

static void wait_until(double time)
{
    double left = time - now(CLOCK_MONOTONIC);
    struct timespec rest = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
    if (left > 0)
        nanosleep(&rest, NULL);
}

/* True if there is a snapshot at least: a process may end before the time is over. */
static bool take_all(FILE *out, pid_t pid, const struct request *request)
{
    double begin = now(CLOCK_MONOTONIC);
    int count = request->every > 0 ? (int)(request->during / request->every + 1.5) : 1, taken = 0;
    while (taken < count && take(out, pid, SLABS_MOST / (uint64_t)count))
        if (++taken < count)
            wait_until(begin + taken * request->every);
    return taken > 0;
}

static bool copy_file(FILE *out, const char *path)
{
    char buffer[16384];
    size_t got;
    FILE *in = fopen(path, "re");
    if (!in) {
        warn("%s", path);
        return false;
    }
    bool good = fgets(buffer, sizeof buffer, in) && strcmp(buffer, SNAPSHOT_MAGIC "\n") == 0;
    while (good && (got = fread(buffer, 1, sizeof buffer, in)) > 0) {
        good = memchr(buffer, '<', got) == NULL && memchr(buffer, '\0', got) == NULL;
        fwrite(buffer, 1, got, out);
    }
    if (!good || ferror(in))
        warnx("%s: not snapshots of barrow map", path);
    good = good && !ferror(in);
    fclose(in);
    return good;
}

static bool collect(FILE *out, const struct request *request, int count, char **words)
{
    pid_t pid;
    fputs(SNAPSHOT_MAGIC "\n", out);
    if (count == 1 && parse_pid(words[0], &pid))
        return take_all(out, pid, request);
    for (int i = 0; i < count; i++)
        if (!copy_file(out, words[i]))
            return false;
    return true;
}

/* ---- output --------------------------------------------------------------------------------- */

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static bool write_text(const char *path, const char *snapshots, size_t length)
{
    FILE *out = fopen(path, "we");
    if (!out) {
        warn("%s", path);
        return false;
    }
    if (ends_in(path, ".html"))
        map_page(out, snapshots, length);
    else
        fwrite(snapshots, 1, length, out);
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        warn("%s", path);
        return false;
    }
    return true;
}

static bool write_picture(const char *path, const char *snapshots)
{
    void *symbol = module_symbol("barrow-picture.so", "map_picture");
    __typeof__(map_picture) *draw_picture;
    if (!symbol) {
        warnx("%s: pictures are drawn by cairo, which this command was built without, or which is "
              "not "
              "installed; .html and .map need nothing",
              path);
        return false;
    }
    memcpy(&draw_picture, &symbol, sizeof symbol);
    return draw_picture(path, ends_in(path, ".png"), snapshots);
}

static bool write_output(const char *path, const char *snapshots, size_t length)
{
    if (ends_in(path, ".png") || ends_in(path, ".svg"))
        return write_picture(path, snapshots);
    return write_text(path, snapshots, length);
}

static int draw(const struct request *request, int count, char **words)
{
    char *snapshots = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&snapshots, &length);
    if (!out)
        err(STATUS_FAILED, "the snapshots");
    bool done = collect(out, request, count, words);
    if (fclose(out) != 0)
        err(STATUS_FAILED, "the snapshots");
    done = done && write_output(request->output, snapshots, length);
    free(snapshots);
    return done ? 0 : 1;
}

/* ---- options -------------------------------------------------------------------------------- */

/* "500ms", "1s", "2m", "3"; false after a message. */
static bool parse_time(const char *text, const char *option, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    double unit = strcmp(end, "ms") == 0               ? .001
                  : strcmp(end, "s") == 0 || *end == 0 ? 1
                  : strcmp(end, "m") == 0              ? 60
                                                       : 0;
    *seconds *= unit;
    if (end != text && *seconds >= .01 && *seconds <= 86400)
        return true;
    warnx("--%s=%s: a time as 500ms, 1s or 2m", option, text);
    return false;
}

static bool known_output(const char *path)
{
    if (ends_in(path, ".html") || ends_in(path, ".svg") || ends_in(path, ".png") ||
        ends_in(path, ".map"))
        return true;
    warnx("--output=%s: the name ends in .html, .svg, .png or .map", path);
    return false;
}

static bool take_option(struct request *request, int option)
{
    switch (option) {
    case 'o':
        request->output = optarg;
        return known_output(optarg);
    case OPTION_EVERY:
        return parse_time(optarg, "every", &request->every);
    case OPTION_FOR:
        return parse_time(optarg, "for", &request->during);
    default:
        return false;
    }
}

int map_main(int argc, char **argv)
{
    struct request request = { 0 };
    char preset[64];
    int option;
    while ((option = getopt_long(argc, argv, "ho:", long_options, NULL)) != -1) {
        if (option == 'h')
            return print_help();
        if (!take_option(&request, option))
            return usage_error(argv[0]);
    }
    if (optind == argc) {
        warnx("no process and no snapshot is named");
        return usage_error(argv[0]);
    }
    if (request.during > 0 && request.every == 0)
        request.every = 1;
    if (request.every > 0 && request.during == 0)
        request.during = 9 * request.every;
    pid_t pid;
    bool is_process = parse_pid(argv[optind], &pid);
    snprintf(preset, sizeof preset, "heap-%jd.html", is_process ? (intmax_t)pid : 0);
    if (!request.output)
        request.output = is_process ? preset : "heap.html";
    return draw(&request, argc - optind, argv + optind);
}
