/* SPDX-License-Identifier: MIT */
/* text.h: text comes in UTF-16 from the W functions and is UTF-8 inside the library. */
#ifndef BARROW_WIN32_HOST_TEXT_H
#define BARROW_WIN32_HOST_TEXT_H

#include "win32/host/internal.h"

/* The size of a buffer for any name or path that is accepted, its end included. */
#define TEXT_ROOM 4096

/* Converts to UTF-8, with its end; unpaired surrogates become U+FFFD. False: it does not fit. */
bool text_from_utf16(const WCHAR *from, char *to, size_t capacity);

/* Converts one character of UTF-16 and moves on; returns the number of bytes stored. */
size_t text_from_character(const WCHAR **from, char out[4]);

/* Converts bytes of UTF-8; a byte that is no part of a character becomes U+FFFD. Returns the number
 * of units that the result has; stores the first of them, without a terminating zero, as far as capacity
 * units allow. */
size_t text_to_utf16(const char *from, size_t bytes, WCHAR *to, size_t capacity);

/* How most functions return text: if the text and its zero fit, they are stored and the length is
 * returned; otherwise nothing is stored and the capacity needed is returned. */
DWORD text_answer(const char *text, LPSTR buffer, DWORD capacity);
DWORD text_answer_utf16(const char *text, LPWSTR buffer, DWORD capacity);

/* A path as the system wants it: the leading \\?\ dropped, backslashes turned. False: too long. */
bool text_path(const char *from, char *to, size_t capacity);

#endif
