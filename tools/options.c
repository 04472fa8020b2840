/* SPDX-License-Identifier: MIT */
/* options.c: one table of the library's options. The values are checked here although the library
 * checks them too: it can only say so in the middle of the program's output and go on without. */
#include "options.h"

#include "size.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_SIZE, KIND_NUMBER };

struct library_option {
    const char *name;
    const char *variable;
    enum kind kind;
    int least, most; /* of a number */
    const char *value;
    const char *summary;
};

static const struct library_option table[] = {
    { "background", "BARROW_BACKGROUND", KIND_NUMBER, 0, 1, "0|1",
      "give memory back from a short-lived thread (1)" },
    { "commit", "BARROW_COMMIT", KIND_SIZE, 0, 0, "SIZE", "memory to commit at the start" },
    { "commit-limit", "BARROW_COMMIT_LIMIT", KIND_SIZE, 0, 0, "SIZE",
      "the most memory to commit; 0 for no limit" },
    { "huge-pages", "BARROW_HUGE_PAGES", KIND_NUMBER, 0, 1, "0|1", "ask for huge pages (0)" },
    { "purge-delay", "BARROW_PURGE_DELAY", KIND_NUMBER, -1, 86400000, "MS",
      "how long free memory is kept: 0 not at all, -1 for ever (500)" },
    { "reserve", "BARROW_RESERVE", KIND_SIZE, 0, 0, "SIZE",
      "address space to reserve at the start" },
    { "verbose", "BARROW_VERBOSE", KIND_NUMBER, 0, 2, "0..2", "messages of the library (0)" },
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
    char names[256] = "";
    for (int i = 0; i < OPTIONS; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", table[i].name);
    }
    warnx("'%s' is not an option of the library; there are %s", name, names);
}

static bool number_parse(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    bool starts = (*text >= '0' && *text <= '9') || *text == '-';
    return errno == 0 && starts && end != text && *end == '\0';
}

/* Writes the value as the library reads it. */
static bool value_parse(const struct library_option *option, const char *value,
                        struct figure *figure)
{
    if (option->kind == KIND_SIZE) {
        uint64_t bytes;
        if (!size_parse(value, &bytes))
            return false;
        snprintf(figure->text, sizeof figure->text, "%" PRIu64, bytes);
        return true;
    }
    int64_t number;
    if (!number_parse(value, &number) || number < option->least || number > option->most)
        return false;
    snprintf(figure->text, sizeof figure->text, "%" PRId64, number);
    return true;
}

static void complain_value(const struct library_option *option, const char *value,
                           const char *called_as)
{
    if (option->kind == KIND_SIZE)
        warnx("%s: '%s' is not a size: digits, then at most one of K, M, G and T", called_as,
              value);
    else
        warnx("%s: '%s' is not a number from %d to %d", called_as, value, option->least,
              option->most);
}

bool option_set(const char *name, const char *value, const char *called_as)
{
    const struct library_option *option = option_find(name);
    if (!option) {
        complain_unknown(name);
        return false;
    }
    struct figure figure;
    if (!value_parse(option, value, &figure)) {
        complain_value(option, value, called_as);
        return false;
    }
    if (setenv(option->variable, figure.text, 1) != 0) {
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
        fprintf(out, "  %-18s %s\n", left, table[i].summary);
    }
}
