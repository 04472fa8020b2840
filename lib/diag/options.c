/* SPDX-License-Identifier: MIT */
#include "diag/options.h"

#include "diag/message.h"
#include "os/process.h"

#include <stddef.h>
#include <string.h>

enum kind { TEXT, NUMBER, SIZE, CHECKS };

static const struct {
    const char *name;
    enum kind kind;
    size_t field;
    int64_t least, most;
    const char *meaning;
} table[] = {
    { "BARROW_STATS", TEXT, offsetof(struct options, stats), 0, 0, "1 or a file's name" },
    { "BARROW_VERBOSE", NUMBER, offsetof(struct options, verbose), 0, 2, "0, 1 or 2" },
    { "BARROW_PURGE_DELAY", NUMBER, offsetof(struct options, purge_delay), -1, 86400000,
      "milliseconds, or -1 for never" },
    { "BARROW_BACKGROUND", NUMBER, offsetof(struct options, background), 0, 1, "0 or 1" },
    { "BARROW_HUGE_PAGES", NUMBER, offsetof(struct options, huge_pages), 0, 1, "0 or 1" },
    { "BARROW_CHECKS", CHECKS, offsetof(struct options, checks), 0, 0,
      "0, 1, or words of guard,fill,quarantine=BYTES,random,sample=N,exit" },
    { "BARROW_COMMIT_LIMIT", SIZE, offsetof(struct options, commit_limit), 0, INT64_MAX,
      "bytes, with K, M, G or T after them" },
    { "BARROW_RESERVE", SIZE, offsetof(struct options, reserve), 0, INT64_MAX,
      "bytes, with K, M, G or T after them" },
    { "BARROW_COMMIT", SIZE, offsetof(struct options, commit), 0, INT64_MAX,
      "bytes, with K, M, G or T after them" },
};

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

static bool parse_number(const char *text, int64_t *value)
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

bool options_parse_size(const char *text, int64_t *bytes)
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

/* Stores the value; false when it is none. */
static bool store(size_t row, const char *text, void *field)
{
    int64_t value = 0;
    switch (table[row].kind) {
    case TEXT:
        return strlen(text) < sizeof((struct options *)NULL)->stats && (strcpy(field, text), true);
    case CHECKS:
        return checks_option_parse(text, field);
    case SIZE:
        if (!options_parse_size(text, &value))
            return false;
        break;
    case NUMBER:
        if (!parse_number(text, &value))
            return false;
        break;
    }
    if (value < table[row].least || value > table[row].most)
        return false;
    *(int64_t *)field = value;
    return true;
}

void options_read(struct options *options)
{
    if (!os_environment_has_options())
        return;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *text = os_environment(table[i].name);
        if (text != NULL && !store(i, text, (char *)options + table[i].field))
            message("%s=%.100s is ignored: it should be %s", table[i].name, text, table[i].meaning);
    }
}
