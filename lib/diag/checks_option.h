/* SPDX-License-Identifier: MIT */
/* checks_option.h: the value of BARROW_CHECKS. */
#ifndef BARROW_DIAG_CHECKS_OPTION_H
#define BARROW_DIAG_CHECKS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct checks_option {
    bool on;
    bool fill;          /* fill fresh and freed memory; look whether the latter was written to */
    bool random;        /* hand blocks out in random order */
    bool exit;          /* look at all blocks when the program ends */
    int64_t quarantine; /* bytes of freed blocks to keep; 0: none */
    int64_t sample;     /* one in so many allocations before a guard page; 0: none */
};

/* "0", "1", or words with commas in between: guard, fill, quarantine[=SIZE], random, sample[=N],
 * exit. False, and nothing changed, for anything else. */
bool checks_option_parse(const char *text, struct checks_option *option);

#endif
