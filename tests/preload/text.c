/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct text text_read(const char *path)
{
    struct text text = { 0 };
    FILE *in = fopen(path, "re");
    if (in == NULL)
        fail_msg("%s was not produced", path);
    fseeko(in, 0, SEEK_END);
    text.length = (size_t)ftello(in);
    rewind(in);
    text.bytes = malloc(text.length + 1);
    assert_non_null(text.bytes);
    assert_int_equal(fread(text.bytes, 1, text.length, in), text.length);
    text.bytes[text.length] = '\0';
    fclose(in);
    return text;
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void text_drop_values(struct text *text, const char *opening)
{
    char *from = text->bytes, *to = text->bytes, *end = text->bytes + text->length, *found;
    while ((found = strstr(from, opening)) != NULL) {
        size_t kept = (size_t)(found - from) + strlen(opening);
        memmove(to, from, kept);
        to += kept;
        from += kept;
        from += strcspn(from, "\"");
    }
    memmove(to, from, (size_t)(end - from) + 1);
    text->length = (size_t)(to - text->bytes) + (size_t)(end - from);
}

/* The line around an offset, cut to what reads well. */
static const char *line_at(const struct text *text, size_t offset, char *line, size_t size)
{
    size_t start = offset, most = offset + size / 2, out = 0;
    while (start > 0 && text->bytes[start - 1] != '\n' && offset - start < size / 2 - 2)
        start--;
    for (size_t i = start; i < text->length && i < most && text->bytes[i] != '\n'; i++)
        line[out++] = text->bytes[i] < ' ' || text->bytes[i] > '~' ? '?' : text->bytes[i];
    line[out] = '\0';
    return line;
}

void text_assert_equal(const char *what, const struct text *plain, const struct text *preloaded)
{
    size_t both = plain->length < preloaded->length ? plain->length : preloaded->length;
    size_t offset = 0, line = 1;
    char left[200], right[200];
    if (plain->length == preloaded->length && memcmp(plain->bytes, preloaded->bytes, both) == 0)
        return;
    while (offset < both && plain->bytes[offset] == preloaded->bytes[offset])
        line += plain->bytes[offset++] == '\n';
    fail_msg("%s differs at byte %zu of %zu, line %zu\n  plain:     %s\n  preloaded: %s", what,
             offset, plain->length, line, line_at(plain, offset, left, sizeof left),
             line_at(preloaded, offset, right, sizeof right));
}

const char *text_tail(const char *path)
{
    static char tail[2000];
    FILE *in = fopen(path, "re");
    size_t length = 0;
    if (in != NULL) {
        if (fseeko(in, -(off_t)(sizeof tail - 1), SEEK_END) != 0)
            rewind(in);
        length = fread(tail, 1, sizeof tail - 1, in);
        fclose(in);
    }
    tail[length] = '\0';
    return tail;
}
