/* SPDX-License-Identifier: MIT */
/* tchar.h: the generic-text names. Without UNICODE or _UNICODE they are the C library's functions on
 * char; with it they are functions on 16-bit characters, which the C library lacks: those are
 * here, inline, and treat letters as the C locale does.
 *
 * The functions that print understand formats as Windows does, whatever the characters' width:
 * I64, I32 and I, l with 32 bits (so that %lu prints a DWORD), %S, %ws and %hs, %p with 16 digits.
 * Text of 16-bit characters is printed as UTF-8. They may be called by any thread. */
#ifndef BARROW_TCHAR_H
#define BARROW_TCHAR_H

#include "minwindef.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#if defined(__STRICT_ANSI__) && !defined(__cplusplus)
extern char *strdup(const char *); /* -std=c11 hides it */
#endif

typedef TCHAR _TCHAR, _TSCHAR, _TXCHAR;
typedef int _TINT;
#ifdef UNICODE
typedef WCHAR _TUCHAR;
#else
typedef unsigned char _TUCHAR;
#endif
#define _TEOF         EOF
#define _T(quoted)    TEXT(quoted)
#define _TEXT(quoted) TEXT(quoted)

#ifndef _TRUNCATE
#define _TRUNCATE ((size_t)-1)
#endif
typedef int errno_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Print to a stream. Return the number of characters, or a negative number on failure. A format of
 * 16-bit characters may have 4 KiB in UTF-8. */
BARROW_API int barrow_vfprintf(FILE *stream, const char *format, va_list arguments);
BARROW_API int barrow_vfwprintf(FILE *stream, const WCHAR *format, va_list arguments);

/* Print to a buffer of so many characters, the terminating zero included, which is stored unless
 * capacity is 0. Return the number of characters that the whole text has, or a negative number on
 * failure. */
BARROW_API int barrow_vsnprintf(char *buffer, size_t capacity, const char *format,
                                va_list arguments);
BARROW_API int barrow_vsnwprintf(WCHAR *buffer, size_t capacity, const WCHAR *format,
                                 va_list arguments);

/* The forms below for char and for WCHAR; what they return is what Windows' return. */
#define BARROW_PRINTERS(type, vfprint, vsnprint, f)                                                  \
    static inline int barrow_t##f##vprintf(const type *format, va_list list)                         \
    {                                                                                                \
        return vfprint(stdout, format, list);                                                        \
    }                                                                                                \
    static inline int barrow_t##f##printf(const type *format, ...)                                   \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = vfprint(stdout, format, list);                                                       \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    static inline int barrow_t##f##fprintf(FILE *stream, const type *format, ...)                    \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = vfprint(stream, format, list);                                                       \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    static inline int barrow_t##f##vsprintf(type *buffer, const type *format, va_list list)          \
    {                                                                                                \
        return vsnprint(buffer, SIZE_MAX / sizeof(type), format, list);                              \
    }                                                                                                \
    static inline int barrow_t##f##sprintf(type *buffer, const type *format, ...)                    \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = barrow_t##f##vsprintf(buffer, format, list);                                         \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    static inline int barrow_t##f##vscprintf(const type *format, va_list list)                       \
    {                                                                                                \
        return vsnprint(NULL, 0, format, list);                                                      \
    }                                                                                                \
    static inline int barrow_t##f##scprintf(const type *format, ...)                                 \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = vsnprint(NULL, 0, format, list);                                                     \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    /* -1 when the text and its zero do not fit; unlike Windows' function, this one always         \
     * stores a terminating zero */ \
    static inline int barrow_t##f##vsnprintf(type *buffer, size_t capacity, const type *format,      \
                                             va_list list)                                           \
    {                                                                                                \
        int n = vsnprint(buffer, capacity, format, list);                                            \
        return n >= 0 && (size_t)n < capacity ? n : -1;                                              \
    }                                                                                                \
    static inline int barrow_t##f##snprintf(type *buffer, size_t capacity, const type *format,       \
                                            ...)                                                     \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = barrow_t##f##vsnprintf(buffer, capacity, format, list);                              \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    /* -1, errno ERANGE and an empty string when the text does not fit */                            \
    static inline int barrow_t##f##vsprintf_s(type *buffer, size_t capacity, const type *format,     \
                                              va_list list)                                          \
    {                                                                                                \
        int n = barrow_t##f##vsnprintf(buffer, capacity, format, list);                              \
        if (n >= 0)                                                                                  \
            return n;                                                                                \
        if (capacity != 0)                                                                           \
            buffer[0] = 0;                                                                           \
        errno = ERANGE;                                                                              \
        return -1;                                                                                   \
    }                                                                                                \
    static inline int barrow_t##f##sprintf_s(type *buffer, size_t capacity, const type *format,      \
                                             ...)                                                    \
    {                                                                                                \
        va_list list;                                                                                \
        va_start(list, format);                                                                      \
        int n = barrow_t##f##vsprintf_s(buffer, capacity, format, list);                             \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    /* the same, but count _TRUNCATE cuts the text, and returns -1 then */                           \
    static inline int barrow_t##f##snprintf_s(type *buffer, size_t capacity, size_t count,           \
                                              const type *format, ...)                               \
    {                                                                                                \
        va_list list;                                                                                \
        size_t most = count < capacity ? count + 1 : capacity;                                       \
        va_start(list, format);                                                                      \
        int n = count == _TRUNCATE || count < capacity                                               \
                    ? barrow_t##f##vsnprintf(buffer, most, format, list)                             \
                    : barrow_t##f##vsprintf_s(buffer, capacity, format, list);                       \
        va_end(list);                                                                                \
        return n;                                                                                    \
    }                                                                                                \
    static inline size_t barrow_t##f##nlen(const type *text, size_t limit)                           \
    {                                                                                                \
        size_t n = 0;                                                                                \
        while (n < limit && text[n] != 0)                                                            \
            n++;                                                                                     \
        return n;                                                                                    \
    }                                                                                                \
    /* 0; or EINVAL or ERANGE, with an empty string at to. count _TRUNCATE: STRUNCATE (80) */        \
    static inline errno_t barrow_t##f##ncpy_s(type *to, size_t capacity, const type *from,           \
                                              size_t count)                                          \
    {                                                                                                \
        if (to == NULL || capacity == 0)                                                             \
            return EINVAL;                                                                           \
        size_t n = 0;                                                                                \
        for (; from != NULL && n < capacity - 1 && n < count && from[n] != 0; n++)                   \
            to[n] = from[n];                                                                         \
        int fits = from != NULL && (n == count || from[n] == 0);                                     \
        to[fits || (from != NULL && count == _TRUNCATE) ? n : 0] = 0;                                \
        return fits ? 0 : from == NULL ? EINVAL : count == _TRUNCATE ? 80 : ERANGE;                  \
    }                                                                                                \
    static inline errno_t barrow_t##f##cpy_s(type *to, size_t capacity, const type *from)            \
    {                                                                                                \
        return barrow_t##f##ncpy_s(to, capacity, from, SIZE_MAX - 1);                                \
    }                                                                                                \
    static inline errno_t barrow_t##f##cat_s(type *to, size_t capacity, const type *from)            \
    {                                                                                                \
        size_t n = to != NULL ? barrow_t##f##nlen(to, capacity) : capacity;                          \
        errno_t error = n < capacity ? barrow_t##f##cpy_s(to + n, capacity - n, from) : EINVAL;      \
        if (error != 0 && to != NULL && capacity != 0)                                               \
            to[0] = 0;                                                                               \
        return error;                                                                                \
    }

BARROW_PRINTERS(char, barrow_vfprintf, barrow_vsnprintf, a)
BARROW_PRINTERS(WCHAR, barrow_vfwprintf, barrow_vsnwprintf, w)

/* main for a program whose own entry is _tmain, with arguments of 16-bit characters. */
BARROW_API int barrow_run_tmain(int count, char **arguments, int (*entry)(int, WCHAR **));

#ifdef UNICODE

static inline WCHAR barrow_towlower(WCHAR c)
{
    return c >= 'A' && c <= 'Z' ? (WCHAR)(c + 32) : c;
}

static inline WCHAR barrow_towupper(WCHAR c)
{
    return c >= 'a' && c <= 'z' ? (WCHAR)(c - 32) : c;
}

static inline size_t barrow_wcslen(const WCHAR *text)
{
    return barrow_twnlen(text, SIZE_MAX);
}

static inline WCHAR *barrow_wcscpy(WCHAR *to, const WCHAR *from)
{
    return (WCHAR *)memcpy(to, from, (barrow_wcslen(from) + 1) * sizeof(WCHAR));
}

static inline WCHAR *barrow_wcsncpy(WCHAR *to, const WCHAR *from, size_t count)
{
    size_t n = barrow_twnlen(from, count);
    memcpy(to, from, n * sizeof(WCHAR));
    memset(to + n, 0, (count - n) * sizeof(WCHAR));
    return to;
}

static inline WCHAR *barrow_wcscat(WCHAR *to, const WCHAR *from)
{
    barrow_wcscpy(to + barrow_wcslen(to), from);
    return to;
}

static inline WCHAR *barrow_wcsncat(WCHAR *to, const WCHAR *from, size_t count)
{
    WCHAR *end = to + barrow_wcslen(to);
    size_t n = barrow_twnlen(from, count);
    memcpy(end, from, n * sizeof(WCHAR));
    end[n] = 0;
    return to;
}

static inline int barrow_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i] || a[i] == 0)
            return (a[i] > b[i]) - (a[i] < b[i]);
    }
    return 0;
}

static inline int barrow_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return barrow_wcsncmp(a, b, SIZE_MAX);
}

static inline int barrow_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        WCHAR x = barrow_towlower(a[i]), y = barrow_towlower(b[i]);
        if (x != y || x == 0)
            return (x > y) - (x < y);
    }
    return 0;
}

static inline int barrow_wcsicmp(const WCHAR *a, const WCHAR *b)
{
    return barrow_wcsnicmp(a, b, SIZE_MAX);
}

static inline WCHAR *barrow_wcschr(const WCHAR *text, int c)
{
    while (*text != (WCHAR)c && *text != 0)
        text++;
    return *text == (WCHAR)c ? (WCHAR *)text : NULL;
}

static inline WCHAR *barrow_wcsrchr(const WCHAR *text, int c)
{
    for (size_t n = barrow_wcslen(text) + 1; n > 0; n--) {
        if (text[n - 1] == (WCHAR)c)
            return (WCHAR *)text + n - 1;
    }
    return NULL;
}

static inline WCHAR *barrow_wcsstr(const WCHAR *text, const WCHAR *part)
{
    size_t length = barrow_wcslen(part);
    for (;; text++) {
        if (barrow_wcsncmp(text, part, length) == 0)
            return (WCHAR *)text;
        if (*text == 0)
            return NULL;
    }
}

static inline WCHAR *barrow_wcsdup(const WCHAR *text)
{
    size_t bytes = (barrow_wcslen(text) + 1) * sizeof(WCHAR);
    void *copy = malloc(bytes);
    return (WCHAR *)(copy != NULL ? memcpy(copy, text, bytes) : NULL);
}

static inline WCHAR *barrow_wcslwr(WCHAR *text)
{
    for (WCHAR *at = text; *at != 0; at++)
        *at = barrow_towlower(*at);
    return text;
}

static inline WCHAR *barrow_wcsupr(WCHAR *text)
{
    for (WCHAR *at = text; *at != 0; at++)
        *at = barrow_towupper(*at);
    return text;
}

/* For functions that want numbers or file names in char: 16-bit characters that are no ASCII become
 * '?'; text is cut to the buffer. */
static inline const char *barrow_wcs_ascii(const WCHAR *text, char *buffer, size_t capacity)
{
    size_t n = barrow_twnlen(text, capacity - 1);
    for (size_t i = 0; i < n; i++)
        buffer[i] = text[i] < 0x80 ? (char)text[i] : '?';
    buffer[n] = '\0';
    return buffer;
}

static inline int barrow_wtoi(const WCHAR *text)
{
    char buffer[64];
    return atoi(barrow_wcs_ascii(text, buffer, sizeof(buffer)));
}

static inline LONGLONG barrow_wtoi64(const WCHAR *text)
{
    char buffer[64];
    return atoll(barrow_wcs_ascii(text, buffer, sizeof(buffer)));
}

static inline double barrow_wtof(const WCHAR *text)
{
    char buffer[128];
    return atof(barrow_wcs_ascii(text, buffer, sizeof(buffer)));
}

static inline int barrow_fputws(const WCHAR *text, FILE *stream)
{
    static const WCHAR format[] = { '%', 's', 0 };
    return barrow_twfprintf(stream, format, text) < 0 ? EOF : 0;
}

static inline int barrow_putws(const WCHAR *text)
{
    return barrow_fputws(text, stdout) == EOF ? EOF : putchar('\n');
}

#endif

#ifdef __cplusplus
}
#endif

#ifdef UNICODE

#define _tprintf      barrow_twprintf
#define _ftprintf     barrow_twfprintf
#define _stprintf     barrow_twsprintf
#define _vtprintf     barrow_twvprintf
#define _vstprintf    barrow_twvsprintf
#define _sntprintf    barrow_twsnprintf
#define _vsntprintf   barrow_twvsnprintf
#define _sctprintf    barrow_twscprintf
#define _vsctprintf   barrow_twvscprintf
#define _stprintf_s   barrow_twsprintf_s
#define _vstprintf_s  barrow_twvsprintf_s
#define _sntprintf_s  barrow_twsnprintf_s
#define _tcscpy_s     barrow_twcpy_s
#define _tcsncpy_s    barrow_twncpy_s
#define _tcscat_s     barrow_twcat_s
#define _tcsnlen      barrow_twnlen
#define _vftprintf    barrow_vfwprintf
#define _tcslen       barrow_wcslen
#define _tcscpy       barrow_wcscpy
#define _tcsncpy      barrow_wcsncpy
#define _tcscat       barrow_wcscat
#define _tcsncat      barrow_wcsncat
#define _tcscmp       barrow_wcscmp
#define _tcsncmp      barrow_wcsncmp
#define _tcschr       barrow_wcschr
#define _tcsrchr      barrow_wcsrchr
#define _tcsstr       barrow_wcsstr
#define _tcsicmp      barrow_wcsicmp
#define _tcsnicmp     barrow_wcsnicmp
#define _tcsdup       barrow_wcsdup
#define _tcslwr       barrow_wcslwr
#define _tcsupr       barrow_wcsupr
#define _totlower     barrow_towlower
#define _totupper     barrow_towupper
#define _ttoi         barrow_wtoi
#define _ttol         barrow_wtoi
#define _ttoi64       barrow_wtoi64
#define _tstoi        barrow_wtoi
#define _tstof        barrow_wtof
#define _fputts       barrow_fputws
#define _putts        barrow_putws
#define _istalpha(c)  ((c) < 0x80 && isalpha((int)(c)))
#define _istdigit(c)  ((c) < 0x80 && isdigit((int)(c)))
#define _istalnum(c)  ((c) < 0x80 && isalnum((int)(c)))
#define _istspace(c)  ((c) < 0x80 && isspace((int)(c)))
#define _istupper(c)  ((c) < 0x80 && isupper((int)(c)))
#define _istlower(c)  ((c) < 0x80 && islower((int)(c)))
#define _istxdigit(c) ((c) < 0x80 && isxdigit((int)(c)))
#define _istpunct(c)  ((c) < 0x80 && ispunct((int)(c)))
/* The program's _tmain becomes a function of that name, behind a main that calls it. In C++, and since
 * C23, the declaration in between must have the parameters: there _tmain has two, or in C++ none. */
#if defined(__cplusplus)
#define _tmain                                                                                     \
    barrow_tmain(int, TCHAR **) __attribute__((weak));                                             \
    int barrow_tmain(void) __attribute__((weak));                                                  \
    int main(int count, char **arguments)                                                          \
    {                                                                                              \
        int (*with_arguments)(int, TCHAR **) = barrow_tmain;                                       \
        int (*without)(void) = barrow_tmain;                                                       \
        return with_arguments != 0 ? barrow_run_tmain(count, arguments, with_arguments)            \
                                   : without();                                                    \
    }                                                                                              \
    int barrow_tmain
#else
#if __STDC_VERSION__ > 201710L
#define BARROW_TMAIN_PARAMETERS (int, TCHAR **)
#else
#define BARROW_TMAIN_PARAMETERS ()
#endif
#define _tmain                                                                                     \
    barrow_tmain BARROW_TMAIN_PARAMETERS;                                                          \
    int main(int count, char **arguments)                                                          \
    {                                                                                              \
        return barrow_run_tmain(count, arguments, (int (*)(int, WCHAR **))barrow_tmain);           \
    }                                                                                              \
    int barrow_tmain
#endif

#else

#define _tprintf     barrow_taprintf
#define _ftprintf    barrow_tafprintf
#define _stprintf    barrow_tasprintf
#define _vtprintf    barrow_tavprintf
#define _vstprintf   barrow_tavsprintf
#define _sntprintf   barrow_tasnprintf
#define _vsntprintf  barrow_tavsnprintf
#define _sctprintf   barrow_tascprintf
#define _vsctprintf  barrow_tavscprintf
#define _stprintf_s  barrow_tasprintf_s
#define _vstprintf_s barrow_tavsprintf_s
#define _sntprintf_s barrow_tasnprintf_s
#define _tcscpy_s    barrow_tacpy_s
#define _tcsncpy_s   barrow_tancpy_s
#define _tcscat_s    barrow_tacat_s
#define _tcsnlen     barrow_tanlen
#define _vftprintf   barrow_vfprintf
#define _tcslen      strlen
#define _tcscpy      strcpy
#define _tcsncpy     strncpy
#define _tcscat      strcat
#define _tcsncat     strncat
#define _tcscmp      strcmp
#define _tcsncmp     strncmp
#define _tcschr      strchr
#define _tcsrchr     strrchr
#define _tcsstr      strstr
#define _tcsicmp     strcasecmp
#define _tcsnicmp    strncasecmp
#define _tcsdup      strdup
#define _tcstok      strtok
#define _tcsspn      strspn
#define _tcscspn     strcspn
#define _tcspbrk     strpbrk
#define _tcstol      strtol
#define _tcstoul     strtoul
#define _tcstoi64    strtoll
#define _tcstoui64   strtoull
#define _tcstod      strtod
#define _totlower    tolower
#define _totupper    toupper
#define _ttoi        atoi
#define _ttol        atoi
#define _ttoi64      atoll
#define _tstoi       atoi
#define _tstof       atof
#define _fputts      fputs
#define _fgetts      fgets
#define _putts       puts
#define _puttchar    putchar
#define _puttc       putc
#define _gettc       getc
#define _fputtc      fputc
#define _fgettc      fgetc
#define _tfopen      fopen
#define _tremove     remove
#define _trename     rename
#define _tgetenv     getenv
#define _tsystem     system
#define _tperror     perror
#define _tcserror    strerror
#define _tmain       main
#define _istalpha    isalpha
#define _istdigit    isdigit
#define _istalnum    isalnum
#define _istspace    isspace
#define _istupper    isupper
#define _istlower    islower
#define _istxdigit   isxdigit
#define _istpunct    ispunct
#define _istcntrl    iscntrl
#define _istprint    isprint
#define _istgraph    isgraph

#endif

#define _tcsclen             _tcslen
#define _tcsccmp             _tcscmp
#define _tcscmpi             _tcsicmp
#define _tcsinc(text)        ((text) + 1)
#define _tcsdec(start, text) ((text)-1)
#define _tcsnextc(text)      ((unsigned)*(text))

#endif
