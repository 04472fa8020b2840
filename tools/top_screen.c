/* SPDX-License-Identifier: MIT */
/* top_screen.c: what barrow top draws, and its keys. */
#include "top.h"

#include "command.h"

#include <err.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHART_ROWS = 4, DETAIL_TOP = 4 + CHART_ROWS };

struct screen {
    const struct terminal *terminal;
    struct watch *watch;
    int rows, columns;
    size_t chosen, scrolled;
    pid_t opened; /* 0: the list is shown */
    bool help;
    struct lines lines;
};

static const char *const order_names[ORDERS] = { "LIVE",     "COMMIT",  "RES", "PEAK",
                                                 "CHANGE/s", "ALLOC/s", "PID", "NAME" };

/* ---- parts ---------------------------------------------------------------------------------- */

/* Cut or filled to the width of the screen. */
static void put_line(const struct screen *screen, int row, enum terminal_look look,
                     const char *text)
{
    char line[512];
    int width = screen->columns < (int)sizeof line - 1 ? screen->columns : (int)sizeof line - 1;
    if (row < screen->rows) {
        snprintf(line, sizeof line, "%-*.*s", width, width, text);
        screen->terminal->put(row, 0, look, line);
    }
}

static void put_keys(const struct screen *screen)
{
    static const char *const list[][2] = { { "F1", "Help " },
                                           { "F6", "Sort " },
                                           { "Enter", "Open " },
                                           { "u", "Users " },
                                           { "q", "Quit" } };
    static const char *const one[][2] = {
        { "F1", "Help " }, { "Esc", "Back " }, { "PgDn", "Scroll " }, { "q", "Quit" }
    };
    const char *const(*keys)[2] = screen->opened ? one : list;
    int count = screen->opened ? 4 : 5, column = 0;
    for (int i = 0; i < count; i++) {
        screen->terminal->put(screen->rows - 1, column, LOOK_PLAIN, keys[i][0]);
        column += (int)strlen(keys[i][0]);
        screen->terminal->put(screen->rows - 1, column, LOOK_KEY, keys[i][1]);
        column += (int)strlen(keys[i][1]);
    }
}

static void clock_text(char *text, size_t size)
{
    time_t seconds = time(NULL);
    struct tm parts;
    strftime(text, size, "%H:%M:%S", localtime_r(&seconds, &parts));
}

/* ---- the list ------------------------------------------------------------------------------- */

static void draw_summary(const struct screen *screen)
{
    char text[160], clock[16], live[16], committed[16];
    double sums[2] = { 0, 0 };
    for (size_t i = 0; i < screen->watch->count; i++) {
        sums[0] += (double)screen->watch->list[i].stats.live_bytes;
        sums[1] += (double)screen->watch->list[i].stats.committed;
    }
    clock_text(clock, sizeof clock);
    top_size(live, sizeof live, sums[0]);
    top_size(committed, sizeof committed, sums[1]);
    snprintf(text, sizeof text, "barrow top  %s  processes %zu  live %s  committed %s  by %s",
             clock, screen->watch->count, live, committed, order_names[screen->watch->order]);
    put_line(screen, 0, LOOK_PLAIN, text);
}

static void draw_list(struct screen *screen)
{
    char text[256];
    size_t rows = screen->rows > 4 ? (size_t)screen->rows - 4 : 1, count = screen->watch->count;
    if (screen->chosen >= count)
        screen->chosen = count ? count - 1 : 0;
    size_t first = screen->chosen >= rows ? screen->chosen - rows + 1 : 0;
    draw_summary(screen);
    top_title(text, sizeof text);
    put_line(screen, 2, LOOK_TITLE, text);
    for (size_t i = first; i < count && i < first + rows; i++) {
        top_row(text, sizeof text, &screen->watch->list[i]);
        put_line(screen, 3 + (int)(i - first), i == screen->chosen ? LOOK_CHOSEN : LOOK_PLAIN,
                 text);
    }
    if (count == 0)
        put_line(screen, 4, LOOK_FAINT,
                 "  No process with barrow is running that you may look at.");
}

/* ---- one process ---------------------------------------------------------------------------- */

/* Height of a column of the chart in eighths of a row. */
static int height_of(uint64_t value, uint64_t most)
{
    return most ? (int)((double)value / (double)most * CHART_ROWS * 8 + .5) : 0;
}

static const char *block_of(int eighths, bool utf8)
{
    static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const plain[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
    eighths = eighths < 0 ? 0 : eighths > 8 ? 8 : eighths;
    return (utf8 ? blocks : plain)[eighths];
}

static void draw_chart(const struct screen *screen, const struct watched *watched)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    uint64_t most = 0;
    size_t count = watched->samples < HISTORY ? watched->samples : HISTORY,
           first = watched->samples - count;
    char text[32], label[16];
    for (size_t i = 0; i < count; i++)
        most = watched->live[i] > most ? watched->live[i] : most;
    for (size_t i = 0; i < count; i++)
        for (int row = 0; row < CHART_ROWS; row++)
            screen->terminal->put(2 + row, 12 + (int)i, LOOK_CHART,
                                  block_of(height_of(watched->live[(first + i) % HISTORY], most) -
                                               (CHART_ROWS - 1 - row) * 8,
                                           utf8));
    top_size(label, sizeof label, (double)most);
    snprintf(text, sizeof text, "live %s", label);
    screen->terminal->put(2, 0, LOOK_FAINT, text);
    screen->terminal->put(1 + CHART_ROWS, 0, LOOK_FAINT, "last minute");
}

static void draw_head(const struct screen *screen, const struct watched *watched)
{
    char text[256], sizes[5][16];
    const struct barrow_stats *stats = &watched->stats;
    const double bytes[] = { (double)stats->live_bytes, (double)stats->cached_bytes,
                             (double)stats->committed, (double)stats->committed_peak,
                             (double)watched->resident };
    for (int i = 0; i < 5; i++)
        top_size(sizes[i], sizeof sizes[i], bytes[i]);
    snprintf(text, sizeof text, "%s, process %jd", watched->name, (intmax_t)watched->pid);
    put_line(screen, 0, LOOK_TITLE, text);
    snprintf(text, sizeof text,
             "live %s  cached %s  committed %s  peak %s  resident %s  threads %" PRIu64, sizes[0],
             sizes[1], sizes[2], sizes[3], sizes[4], stats->threads);
    put_line(screen, 1, LOOK_PLAIN, text);
    draw_chart(screen, watched);
}

static void draw_lines(struct screen *screen)
{
    size_t rows = screen->rows > DETAIL_TOP + 1 ? (size_t)(screen->rows - DETAIL_TOP - 1) : 1;
    size_t most = screen->lines.count > rows ? screen->lines.count - rows : 0;
    if (screen->scrolled > most)
        screen->scrolled = most;
    for (size_t i = 0; i < rows && screen->scrolled + i < screen->lines.count; i++)
        put_line(screen, DETAIL_TOP - 1 + (int)i, LOOK_PLAIN,
                 screen->lines.text[screen->scrolled + i]);
}

static void draw_one(struct screen *screen)
{
    struct remote remote;
    static struct view view;
    const struct watched *watched = watch_find(screen->watch, screen->opened);
    if (!watched || remote_open(&remote, screen->opened) != REMOTE_FOUND ||
        !view_take(&view, &remote)) {
        put_line(screen, 0, LOOK_TITLE, "The process has ended.");
        return;
    }
    top_detail(&screen->lines, &view);
    view_free(&view);
    draw_head(screen, watched);
    draw_lines(screen);
}

static void draw_help(const struct screen *screen)
{
    static const char *const text[] = {
        "barrow top: the heaps of processes that have barrow, once a second",
        "",
        "  Up, Down, PgUp, PgDn   choose a process; scroll",
        "  Enter                  open it: its heaps, size classes, threads' caches",
        "  Esc, Backspace         back to the list",
        "  F6 or >                sort by the next column    <  by the one before",
        "  P  M  N  R             sort by PID, live bytes, name, resident bytes",
        "  u                      show other users' processes too, or not",
        "  q, F10                 quit",
        "",
        "  LIVE      bytes of the program's blocks      CACHED   free, in threads' caches",
        "  COMMIT    memory charged to the heap         PEAK     the most that it was",
        "  RES       resident memory of the process     CHANGE/s of live bytes",
        "  ALLOC/s   allocations, counted where barrow run --stats or BARROW_STATS asks for it",
        "",
        "Any key goes back.",
    };
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        put_line(screen, (int)i, i ? LOOK_PLAIN : LOOK_TITLE, text[i]);
}

static void draw(struct screen *screen)
{
    screen->terminal->size(&screen->rows, &screen->columns);
    screen->terminal->clear();
    if (screen->help)
        draw_help(screen);
    else if (screen->opened)
        draw_one(screen);
    else
        draw_list(screen);
    if (!screen->help)
        put_keys(screen);
    screen->terminal->show();
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void move(struct screen *screen, int by)
{
    size_t *place = screen->opened ? &screen->scrolled : &screen->chosen;
    *place = by < 0 && *place < (size_t)-by ? 0 : *place + (size_t)by;
}

static void sort_by(struct screen *screen, int order)
{
    screen->watch->order = (enum order)((order + ORDERS) % ORDERS);
    watch_sort(screen->watch);
}

static void open_chosen(struct screen *screen)
{
    if (!screen->opened && screen->chosen < screen->watch->count) {
        screen->opened = screen->watch->list[screen->chosen].pid;
        screen->scrolled = 0;
    }
}

/* False when the user leaves. */
static bool obey(struct screen *screen, int key)
{
    int page = screen->rows > 6 ? screen->rows - 6 : 1;
    if (key == KEY_QUIT)
        return false;
    if (screen->help) {
        screen->help = false;
        return true;
    }
    switch (key) {
    case KEY_GO_UP:
        move(screen, -1);
        break;
    case KEY_GO_DOWN:
        move(screen, 1);
        break;
    case KEY_PAGE_UP:
        move(screen, -page);
        break;
    case KEY_PAGE_DOWN:
        move(screen, page);
        break;
    case KEY_OPEN:
        open_chosen(screen);
        break;
    case KEY_BACK:
        screen->opened = 0;
        break;
    case KEY_HELP:
        screen->help = true;
        break;
    case KEY_SORT:
    case '>':
        sort_by(screen, (int)screen->watch->order + 1);
        break;
    case '<':
        sort_by(screen, (int)screen->watch->order - 1);
        break;
    case 'P':
        sort_by(screen, BY_PID);
        break;
    case 'M':
        sort_by(screen, BY_LIVE);
        break;
    case 'N':
        sort_by(screen, BY_NAME);
        break;
    case 'R':
        sort_by(screen, BY_RESIDENT);
        break;
    case 'u':
        screen->watch->others = !screen->watch->others;
        break;
    }
    return true;
}

static int64_t milliseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Keys are answered at once, figures are taken once a second. */
static void run(struct screen *screen)
{
    int64_t due = milliseconds();
    for (;;) {
        int64_t left = due - milliseconds();
        if (left <= 0) {
            watch_update(screen->watch, 0);
            watch_sort(screen->watch);
            due = milliseconds() + 1000;
            left = 1000;
        }
        draw(screen);
        int key = screen->terminal->key((int)left);
        if (key != KEY_NOTHING && !obey(screen, key))
            return;
    }
}

int top_run(const struct terminal *terminal, struct watch *watch, pid_t pid)
{
    struct screen screen = { .terminal = terminal, .watch = watch, .opened = pid };
    if (!terminal->begin())
        return STATUS_FAILED;
    run(&screen);
    terminal->end();
    free(screen.lines.text);
    return 0;
}
