/* SPDX-License-Identifier: MIT */
/* text.c: see text.h. */
#include "win32/host/text.h"

#include <string.h>

static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Reads one character and moves on. */
static uint32_t decode(const WCHAR **from)
{
    uint32_t c = *(*from)++;
    if (c >= 0xD800 && c < 0xDC00 && **from >= 0xDC00 && **from < 0xE000)
        return 0x10000 + ((c - 0xD800) << 10) + (*(*from)++ - 0xDC00u);
    return c >= 0xD800 && c < 0xE000 ? 0xFFFD : c;
}

bool text_from_utf16(const WCHAR *from, char *to, size_t room)
{
    size_t n = 0;
    while (*from != 0) {
        if (n + 5 > room)
            return false;
        n += encode(decode(&from), to + n);
    }
    to[n] = '\0';
    return true;
}

bool text_path(const char *from, char *to, size_t room)
{
    if (strncmp(from, "\\\\?\\", 4) == 0)
        from += 4;
    size_t n = strlen(from);
    if (n >= room)
        return false;
    for (size_t i = 0; i <= n; i++)
        to[i] = from[i] == '\\' ? '/' : from[i];
    return true;
}
