/* SPDX-License-Identifier: MIT */
/* checks_option.c: a parser for a comma-separated list of words, some with a value (quarantine=SIZE, sample=N). Nothing
 * is stored unless the whole list is valid. */
#include "diag/checks_option.h"

#include "diag/parse.h"

#include <string.h>

#define QUARANTINE_USUAL ((int64_t)16 << 20)
#define QUARANTINE_MOST  ((int64_t)1 << 40)
#define SAMPLE_USUAL     1000
#define SAMPLE_MOST      1000000000

/* "word" or "word=VALUE"; false when the text is neither. */
static bool is_word(const char *text, const char *word, const char **value)
{
    size_t length = strlen(word);
    *value = NULL;
    if (strncmp(text, word, length) != 0)
        return false;
    if (text[length] == '=')
        *value = text + length + 1;
    return text[length] == '\0' || text[length] == '=';
}

static bool set_number(const char *value, int64_t usual, int64_t most, int64_t *field)
{
    if (value == NULL) {
        *field = usual;
        return true;
    }
    return parse_size(value, field) && *field <= most;
}

static bool set_word(const char *text, struct checks_option *option)
{
    const char *value;
    if (is_word(text, "quarantine", &value))
        return set_number(value, QUARANTINE_USUAL, QUARANTINE_MOST, &option->quarantine);
    if (is_word(text, "sample", &value))
        return set_number(value, SAMPLE_USUAL, SAMPLE_MOST, &option->sample);
    if (is_word(text, "guard", &value)) /* always there */
        return value == NULL;
    if (is_word(text, "fill", &value))
        return option->fill = true, value == NULL;
    if (is_word(text, "random", &value))
        return option->random = true, value == NULL;
    if (is_word(text, "exit", &value))
        return option->exit = true, value == NULL;
    return false;
}

bool checks_option_parse(const char *text, struct checks_option *option)
{
    struct checks_option result = { .on = true };
    char copy[128];
    if (strcmp(text, "0") == 0) {
        *option = (struct checks_option){ .on = false };
        return true;
    }
    if (strcmp(text, "1") == 0)
        text = "guard,fill,quarantine,random,sample,exit";
    if (strlen(text) >= sizeof copy)
        return false;
    strcpy(copy, text);
    for (char *word = copy, *comma; word != NULL; word = comma) {
        comma = strchr(word, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (!set_word(word, &result))
            return false;
    }
    *option = result;
    return true;
}
