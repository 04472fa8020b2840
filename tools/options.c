/* SPDX-License-Identifier: MIT */
/* options.c: the library's options, from the library's own list. The values are checked here although the
 * library checks them too: it can only say so in the middle of the program's output and go on without. */
#include "options.h"

#include "size.h"

#include "diag/checks_option.h"
#include "diag/nearest.h"
#include "diag/parse.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_STATS, KIND_NUMBER, KIND_SIZE, KIND_CHECKS };

struct library_option {
    const char *name;
    const char *variable;
    enum kind kind;
    int64_t min, max; /* of a number */
    const char *preset;
    const char *value;
    const char *summary;
};

#define WINDOWS_OPTION(...)
#define OTHER_VARIABLE(name)

static const struct library_option table[] = {
#define OPTION(field, ...) { __VA_ARGS__ },
#include "diag/options.def"
};

enum { OPTIONS = sizeof table / sizeof table[0] };

static const struct library_option *option_find(const char *name)
{
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static void complain_unknown(const char *name)
{
    const char *names[OPTIONS];
    for (int i = 0; i < OPTIONS; i++)
        names[i] = table[i].name;
    const char *nearest = nearest_name(name, strlen(name), names, OPTIONS);
    if (nearest)
        warnx("'%s' is not an option of the library; did you mean '%s'?", name, nearest);
    else
        warnx("'%s' is not an option of the library; 'barrow run --help' lists them", name);
}

/* Replaces a size by bytes. Returns false when the library would not take the value. */
static bool value_check(const struct library_option *option, const char **value,
                        struct figure *bytes)
{
    struct checks_option checks;
    int64_t number;
    switch (option->kind) {
    case KIND_STATS:
        return !strcmp(*value, "0") || !strcmp(*value, "1") || strchr(*value, '/');
    case KIND_CHECKS:
        return checks_option_parse(*value, &checks);
    case KIND_NUMBER:
        return parse_number(*value, &number) && number >= option->min && number <= option->max;
    case KIND_SIZE:
        break;
    }
    if (!parse_size(*value, &number))
        return false;
    snprintf(bytes->text, sizeof bytes->text, "%" PRId64, number);
    *value = bytes->text;
    return true;
}

static void complain_value(const struct library_option *option, const char *value,
                           const char *called_as)
{
    switch (option->kind) {
    case KIND_SIZE:
        warnx("%s: '%s' is not a size: digits, then at most one of K, M, G and T", called_as,
              value);
        break;
    case KIND_NUMBER:
        warnx("%s: '%s' is not a number from %" PRId64 " to %" PRId64, called_as, value,
              option->min, option->max);
        break;
    case KIND_STATS:
        warnx("%s: '%s' is not 0, 1 or a path with a slash", called_as, value);
        break;
    case KIND_CHECKS:
        warnx("%s: '%s' is not 0, 1, or words of "
              "guard,fill,quarantine=SIZE,random,sample=N,exit",
              called_as, value);
        break;
    }
}

bool option_set(const char *name, const char *value, const char *called_as)
{
    const struct library_option *option = option_find(name);
    if (!option) {
        complain_unknown(name);
        return false;
    }
    struct figure bytes;
    if (!value_check(option, &value, &bytes)) {
        complain_value(option, value, called_as);
        return false;
    }
    if (setenv(option->variable, value, 1) != 0) {
        warn("%s", option->variable);
        return false;
    }
    return true;
}

bool option_set_pair(const char *pair)
{
    const char *sign = strchr(pair, '=');
    if (!sign) {
        warnx("--option: '%s' has no value; NAME=VALUE is needed", pair);
        return false;
    }
    char *name = strndup(pair, (size_t)(sign - pair));
    if (!name) {
        warn("--option");
        return false;
    }
    bool done = option_set(name, sign + 1, name);
    free(name);
    return done;
}

void options_describe(FILE *out)
{
    for (int i = 0; i < OPTIONS; i++) {
        char left[32];
        snprintf(left, sizeof left, "%s=%s", table[i].name, table[i].value);
        fprintf(out, "  %-20s %s (%s)\n", left, table[i].summary, table[i].preset);
    }
}
