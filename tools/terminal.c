/* SPDX-License-Identifier: MIT */
/* terminal.c: a module that the command loads for `barrow top`, so that nothing else of it needs
 * ncurses. */
#include <curses.h>

#undef KEY_OPEN
#undef KEY_HELP
#include "terminal.h"

#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool begin(void)
{
    setlocale(LC_ALL, "");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        warnx("top: not a terminal; --once writes the figures once");
        return false;
    }
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        warnx("top: the terminal '%s' is not known", getenv("TERM") ? getenv("TERM") : "");
        return false;
    }
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_BLACK, COLOR_GREEN);
        init_pair(2, COLOR_BLACK, COLOR_CYAN);
        init_pair(3, COLOR_GREEN, -1);
    }
    return true;
}

static void end(void)
{
    endwin();
}

static void size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

static void clear_screen(void)
{
    erase();
}

static attr_t attributes(enum terminal_look look)
{
    switch (look) {
    case LOOK_TITLE:
        return has_colors() ? (attr_t)COLOR_PAIR(1) : A_REVERSE;
    case LOOK_CHOSEN:
    case LOOK_KEY:
        return has_colors() ? (attr_t)COLOR_PAIR(2) : A_REVERSE;
    case LOOK_FAINT:
        return A_DIM;
    case LOOK_CHART:
        return has_colors() ? (attr_t)COLOR_PAIR(3) : A_NORMAL;
    case LOOK_PLAIN:
        break;
    }
    return A_NORMAL;
}

static void put(int row, int column, enum terminal_look look, const char *text)
{
    attrset(attributes(look));
    mvaddnstr(row, column, text, -1);
    attrset(A_NORMAL);
}

static void show(void)
{
    refresh();
}

static int key(int milliseconds)
{
    timeout(milliseconds);
    int got = getch();
    switch (got) {
    case ERR:
        return KEY_NOTHING;
    case KEY_UP:
        return KEY_GO_UP;
    case KEY_DOWN:
        return KEY_GO_DOWN;
    case KEY_PPAGE:
        return KEY_PAGE_UP;
    case KEY_NPAGE:
        return KEY_PAGE_DOWN;
    case KEY_ENTER:
    case '\n':
    case '\r':
        return KEY_OPEN;
    case 27:
    case KEY_BACKSPACE:
    case KEY_LEFT:
        return KEY_BACK;
    case KEY_F(1):
    case '?':
    case 'h':
        return KEY_HELP;
    case KEY_F(6):
        return KEY_SORT;
    case KEY_F(10):
    case 'q':
        return KEY_QUIT;
    case KEY_RESIZE:
        return KEY_NEW_SIZE;
    default:
        return got < 256 ? got : KEY_NOTHING;
    }
}

const struct terminal ncurses_terminal = { begin, end, size, clear_screen, put, show, key };
