/* SPDX-License-Identifier: MIT */
/* error_text.h: what FormatMessage says about an error. */
#ifndef BARROW_WIN32_PROCESS_ERROR_TEXT_H
#define BARROW_WIN32_PROCESS_ERROR_TEXT_H

#include "win32/host/internal.h"

/* The text of an error or of an HRESULT made of one, without a line end; NULL when there is none. */
const char *error_text(DWORD code);

#endif
