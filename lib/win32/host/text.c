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

size_t text_from_character(const WCHAR **from, char out[4])
{
    return encode(decode(from), out);
}

bool text_from_utf16(const WCHAR *from, char *to, size_t capacity)
{
    size_t n = 0;
    while (*from != 0) {
        if (n + 5 > capacity)
            return false;
        n += encode(decode(&from), to + n);
    }
    to[n] = '\0';
    return true;
}

/* The length of a character in UTF-8 by its first byte; 1 for a byte that starts none. */
static size_t sequence_length(unsigned char first)
{
    if (first >= 0xF0)
        return first < 0xF5 ? 4 : 1;
    if (first >= 0xE0)
        return 3;
    return first >= 0xC2 ? 2 : 1;
}

/* Reads one character of UTF-8 and moves on; a byte that belongs to none is U+FFFD. */
static uint32_t decode_utf8(const char **from, const char *end)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *bytes = (const unsigned char *)*from;
    size_t length = sequence_length(bytes[0]);
    uint32_t c = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((size_t)(end - *from) <= i || (bytes[i] & 0xC0) != 0x80)
            length = 1;
        else
            c = c << 6 | (bytes[i] & 0x3Fu);
    }
    *from += length;
    if (length == 1)
        return bytes[0] < 0x80 ? bytes[0] : 0xFFFD;
    return c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0xFFFD : c;
}

size_t text_to_utf16(const char *from, size_t bytes, WCHAR *to, size_t capacity)
{
    const char *end = from + bytes;
    size_t n = 0;
    while (from < end) {
        uint32_t c = decode_utf8(&from, end);
        if (n < capacity)
            to[n] = (WCHAR)(c < 0x10000 ? c : 0xD800 + ((c - 0x10000) >> 10));
        n++;
        if (c < 0x10000)
            continue;
        if (n < capacity)
            to[n] = (WCHAR)(0xDC00 + ((c - 0x10000) & 0x3FF));
        n++;
    }
    return n;
}

DWORD text_answer(const char *text, LPSTR buffer, DWORD capacity)
{
    size_t length = strlen(text);
    if (length >= capacity)
        return (DWORD)length + 1;
    memcpy(buffer, text, length + 1);
    return (DWORD)length;
}

DWORD text_answer_utf16(const char *text, LPWSTR buffer, DWORD capacity)
{
    size_t length = text_to_utf16(text, strlen(text), NULL, 0);
    if (length >= capacity)
        return (DWORD)length + 1;
    text_to_utf16(text, strlen(text), buffer, length);
    buffer[length] = 0;
    return (DWORD)length;
}

bool text_path(const char *from, char *to, size_t capacity)
{
    if (strncmp(from, "\\\\?\\", 4) == 0)
        from += 4;
    size_t n = strlen(from);
    if (n >= capacity)
        return false;
    for (size_t i = 0; i <= n; i++)
        to[i] = from[i] == '\\' ? '/' : from[i];
    return true;
}
