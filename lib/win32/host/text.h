/* SPDX-License-Identifier: MIT */
/* text.h: names come in UTF-16 from the W functions and are used in UTF-8. */
#ifndef BARROW_WIN32_HOST_TEXT_H
#define BARROW_WIN32_HOST_TEXT_H

#include "win32/host/internal.h"

/* Room for any name or path that is accepted, its end included. */
#define TEXT_ROOM 4096

/* Converts to UTF-8, with its end; unpaired surrogates become U+FFFD. False: it does not fit. */
bool text_from_utf16(const WCHAR *from, char *to, size_t room);

/* A path as the system wants it: the leading \\?\ dropped, backslashes turned. False: too long. */
bool text_path(const char *from, char *to, size_t room);

#endif
