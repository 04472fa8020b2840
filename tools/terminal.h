/* SPDX-License-Identifier: MIT */
/* terminal.h: what barrow-terminal.so has, if it was built: a screen of characters, by ncurses. */
#ifndef BARROW_TOOLS_TERMINAL_H
#define BARROW_TOOLS_TERMINAL_H

#include <stdbool.h>

enum terminal_look { LOOK_PLAIN, LOOK_TITLE, LOOK_CHOSEN, LOOK_FAINT, LOOK_KEY, LOOK_CHART };

enum terminal_key {
    KEY_NOTHING, /* the time is over */
    KEY_GO_UP = 256,
    KEY_GO_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_OPEN,
    KEY_BACK,
    KEY_HELP,
    KEY_SORT,
    KEY_QUIT,
    KEY_NEW_SIZE
};

struct terminal {
    bool (*begin)(void); /* false after a message */
    void (*end)(void);
    void (*size)(int *rows, int *columns);
    void (*clear)(void);
    void (*put)(int row, int column, enum terminal_look look, const char *text);
    void (*show)(void);           /* what was put since clear */
    int (*key)(int milliseconds); /* a character below 256, or enum terminal_key */
};

extern const struct terminal ncurses_terminal;

#endif
