/* SPDX-License-Identifier: MIT */
/* mistakes.h: what programs do wrong with malloc, one mistake each. */
#ifndef BARROW_TESTS_MISTAKES_H
#define BARROW_TESTS_MISTAKES_H

struct mistake {
    const char *name;
    const char *title; /* for people */
    void (*make)(void);
};

/* Ends with a name of NULL. */
extern const struct mistake mistakes[];

#endif
