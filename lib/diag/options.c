/* SPDX-License-Identifier: MIT */
/* options.c: a table made from options.def is compared with the environment, variable by variable. Called once, at
 * start-up, under the start-up lock of heap/process.c. */
#include "diag/options.h"

#include "diag/message.h"
#include "diag/nearest.h"
#include "diag/parse.h"
#include "os/process.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind { KIND_STATS, KIND_NUMBER, KIND_SIZE, KIND_CHECKS };

#if defined(_WIN32)
#define WINDOWS_OPTION OPTION
#else
#define WINDOWS_OPTION(field, name, variable, ...)
#endif

static const struct row {
    const char *name;
    enum kind kind;
    size_t field;
    int64_t min, max;
} table[] = {
#define OPTION(field, name, variable, kind, min, max, ...)                                         \
    { variable, kind, offsetof(struct options, field), min, max },
#define OTHER_VARIABLE(name)
#include "diag/options.def"
};

enum { PREFIX = sizeof "BARROW_" - 1 };

/* Every name that is no mistake, without its prefix: the options of all systems, which are suggested, and
 * others. */
static const char *const names[] = {
#define OPTION(field, name, variable, ...)         &(variable)[PREFIX],
#define WINDOWS_OPTION(field, name, variable, ...) &(variable)[PREFIX],
#define OTHER_VARIABLE(name)
#include "diag/options.def"
};

static const char *const others[] = {
#define OPTION(...)
#define WINDOWS_OPTION(...)
#define OTHER_VARIABLE(name) &(name)[PREFIX],
#include "diag/options.def"
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What a value should have been, for a message. */
static const char *meaning(const struct row *row, char *text, size_t size)
{
    switch (row->kind) {
    case KIND_STATS:
        return "0, 1 or a path with a slash";
    case KIND_CHECKS:
        return "0, 1, or words of guard,fill,quarantine=BYTES,random,sample=N,exit";
    case KIND_SIZE:
        return "bytes, with K, M, G or T after them";
    case KIND_NUMBER:
        break;
    }
    snprintf(text, size, "a number from %d to %d", (int)row->min, (int)row->max);
    return text;
}

/* An empty value is as good as none: so a script can switch the account off. */
static bool store_stats(const char *text, char *field)
{
    bool known = *text == '\0' || strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
    if ((!known && !os_is_path(text)) || strlen(text) >= sizeof((struct options *)NULL)->stats)
        return false;
    strcpy(field, text);
    return true;
}

/* Stores the value; false when it is none. */
static bool store(const struct row *row, const char *text, void *field)
{
    int64_t value = 0;
    switch (row->kind) {
    case KIND_STATS:
        return store_stats(text, field);
    case KIND_CHECKS:
        return checks_option_parse(text, field);
    case KIND_SIZE:
        if (!parse_size(text, &value))
            return false;
        break;
    case KIND_NUMBER:
        if (!parse_number(text, &value))
            return false;
        break;
    }
    if (value < row->min || value > row->max)
        return false;
    *(int64_t *)field = value;
    return true;
}

/* `pattern` may end in `*`. */
static bool matches(const char *pattern, const char *name, size_t length)
{
    size_t fixed = strcspn(pattern, "*");
    return strncmp(pattern, name, fixed) == 0 && length >= fixed &&
           (pattern[fixed] == '*' || length == fixed);
}

static bool is_known(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (matches(names[i], name, length))
            return true;
    for (size_t i = 0; i < COUNT(others); i++)
        if (matches(others[i], name, length))
            return true;
    return false;
}

static void report_unknown(const char *name, size_t length)
{
    const char *rest = name + PREFIX;
    if (is_known(rest, length - PREFIX))
        return;
    const char *nearest = nearest_name(rest, length - PREFIX, names, COUNT(names));
    message("%.*s is not an option of barrow and is ignored%s%s%s", length > 60 ? 60 : (int)length,
            name, nearest != NULL ? "; did you mean BARROW_" : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "?" : "");
}

void options_read(struct options *options)
{
    char text[64];
    if (!os_environment_has_options())
        return;
    for (const struct row *row = table; row < table + COUNT(table); row++) {
        const char *value = os_environment(row->name);
        if (value != NULL && !store(row, value, (char *)options + row->field))
            message("%s=%.100s is ignored: it should be %s", row->name, value,
                    meaning(row, text, sizeof text));
    }
    os_environment_options(report_unknown);
}
