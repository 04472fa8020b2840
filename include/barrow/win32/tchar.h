/* SPDX-License-Identifier: MIT */
/* tchar.h: the generic-text names that short programs use. Printing needs a narrow TCHAR: the C
 * library has no printf for 16-bit characters. */
#ifndef BARROW_WIN32_TCHAR_H
#define BARROW_WIN32_TCHAR_H

#include "../minwindef.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef TCHAR _TCHAR;
#define _T(quoted)    TEXT(quoted)
#define _TEXT(quoted) TEXT(quoted)

#ifndef UNICODE
#define _tmain    main
#define _tprintf  printf
#define _ftprintf fprintf
#define _puttchar putchar
#define _putts    puts
#define _tcslen   strlen
#define _tcscpy   strcpy
#define _tcscat   strcat
#define _tcscmp   strcmp
#define _tcsncpy  strncpy
#define _tcschr   strchr
#define _tcsstr   strstr
#define _ttoi     atoi
#endif

#endif
