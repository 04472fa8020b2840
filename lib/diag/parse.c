/* SPDX-License-Identifier: MIT */
/* parse.c: decimal digits with an optional sign or unit. An overflow is an error and is never wrapped. */
#include "diag/parse.h"

#include <stddef.h>

/* Digits, at least one, up to the first other character. */
static bool parse_digits(const char **text, int64_t *value)
{
    const char *at = *text;
    for (*value = 0; *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';
        if (*value > (INT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    bool any = at != *text;
    *text = at;
    return any;
}

bool parse_number(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    text += negative;
    if (!parse_digits(&text, value) || *text != '\0')
        return false;
    *value = negative ? -*value : *value;
    return true;
}

static int shift_of_suffix(char suffix)
{
    switch (suffix) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return 0;
    }
}

bool parse_size(const char *text, int64_t *bytes)
{
    if (!parse_digits(&text, bytes))
        return false;
    int shift = shift_of_suffix(*text);
    text += shift != 0;
    if (*text != '\0' || *bytes > INT64_MAX >> shift)
        return false;
    *bytes <<= shift;
    return true;
}
