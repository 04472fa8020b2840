/* SPDX-License-Identifier: MIT */
/* strsafe.h: copying and printing of strings into buffers of known size, with an HRESULT. All are
 * inline functions, for char (A) and for 16-bit characters (W), and for sizes in characters (Cch)
 * and in bytes (Cb).
 *
 * S_OK; STRSAFE_E_INSUFFICIENT_BUFFER when the text was cut (the buffer has a terminating zero
 * then); STRSAFE_E_INVALID_PARAMETER when the size is 0 or above STRSAFE_MAX_CCH, or when a string
 * does not end within its size. Formats are as in tchar.h. */
#ifndef BARROW_STRSAFE_H
#define BARROW_STRSAFE_H

#include "tchar.h"
#include "winerror.h"

#define STRSAFE_MAX_CCH    2147483647
#define STRSAFE_MAX_LENGTH (STRSAFE_MAX_CCH - 1)

#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007Au)
#define STRSAFE_E_INVALID_PARAMETER   ((HRESULT)0x80070057u)
#define STRSAFE_E_END_OF_FILE         ((HRESULT)0x80070026u)

#define STRSAFE_IGNORE_NULLS     0x00000100u
#define STRSAFE_FILL_BEHIND_NULL 0x00000200u
#define STRSAFE_FILL_ON_FAILURE  0x00000400u
#define STRSAFE_NULL_ON_FAILURE  0x00000800u
#define STRSAFE_NO_TRUNCATION    0x00001000u

typedef char *STRSAFE_LPSTR;
typedef const char *STRSAFE_LPCSTR;
typedef WCHAR *STRSAFE_LPWSTR;
typedef const WCHAR *STRSAFE_LPCWSTR;

/* The Ex forms store where the text ends and what is left behind it. Of their flags,
 * STRSAFE_IGNORE_NULLS (NULL is an empty string), STRSAFE_NO_TRUNCATION and STRSAFE_NULL_ON_FAILURE
 * (the buffer is empty after a failure) are obeyed; the rest is STRSAFE_E_INVALID_PARAMETER. */
#define BARROW_STRSAFE(type, f, vsnprint, X)                                                       \
    static inline int barrow_bad_capacity##X(const type *to, size_t capacity)                      \
    {                                                                                              \
        return to == NULL || capacity == 0 || capacity > STRSAFE_MAX_CCH;                          \
    }                                                                                              \
    static inline HRESULT barrow_StringCchLength##X(const type *text, size_t limit,                \
                                                    size_t *length)                                \
    {                                                                                              \
        size_t n =                                                                                 \
            text != NULL && limit <= STRSAFE_MAX_CCH ? barrow_t##f##nlen(text, limit) : limit;     \
        if (length != NULL)                                                                        \
            *length = n < limit ? n : 0;                                                           \
        return n < limit ? S_OK : STRSAFE_E_INVALID_PARAMETER;                                     \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCopyN##X(type *to, size_t capacity, const type *from,    \
                                                   size_t count)                                   \
    {                                                                                              \
        if (barrow_bad_capacity##X(to, capacity))                                                  \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        if (count > STRSAFE_MAX_LENGTH) {                                                          \
            to[0] = 0;                                                                             \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        }                                                                                          \
        size_t n = 0;                                                                              \
        for (; n < capacity - 1 && n < count && from[n] != 0; n++)                                 \
            to[n] = from[n];                                                                       \
        to[n] = 0;                                                                                 \
        int fits = n == count || from[n] == 0;                                                     \
        return fits ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;                                        \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCopy##X(type *to, size_t capacity, const type *from)     \
    {                                                                                              \
        return barrow_StringCchCopyN##X(to, capacity, from, STRSAFE_MAX_LENGTH);                   \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCatN##X(type *to, size_t capacity, const type *from,     \
                                                  size_t count)                                    \
    {                                                                                              \
        size_t n;                                                                                  \
        HRESULT result = barrow_StringCchLength##X(to, capacity, &n);                              \
        return SUCCEEDED(result) ? barrow_StringCchCopyN##X(to + n, capacity - n, from, count)     \
                                 : result;                                                         \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCat##X(type *to, size_t capacity, const type *from)      \
    {                                                                                              \
        return barrow_StringCchCatN##X(to, capacity, from, STRSAFE_MAX_LENGTH);                    \
    }                                                                                              \
    static inline HRESULT barrow_StringCchVPrintf##X(type *to, size_t capacity,                    \
                                                     const type *format, va_list list)             \
    {                                                                                              \
        if (barrow_bad_capacity##X(to, capacity))                                                  \
            return STRSAFE_E_INVALID_PARAMETER;                                                    \
        int n = vsnprint(to, capacity, format, list);                                              \
        return n >= 0 && (size_t)n < capacity ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;              \
    }                                                                                              \
    static inline HRESULT barrow_StringCchPrintf##X(type *to, size_t capacity, const type *format, \
                                                    ...)                                           \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, format);                                                                    \
        HRESULT result = barrow_StringCchVPrintf##X(to, capacity, format, list);                   \
        va_end(list);                                                                              \
        return result;                                                                             \
    }                                                                                              \
    /* what the Ex forms do when the text has been made at to + start */                           \
    static inline HRESULT barrow_strsafe_end##X(HRESULT result, type *to, size_t capacity,         \
                                                type **end, size_t *left, ULONG flags)             \
    {                                                                                              \
        ULONG empties = STRSAFE_NO_TRUNCATION | STRSAFE_NULL_ON_FAILURE;                           \
        if (barrow_bad_capacity##X(to, capacity))                                                  \
            return result;                                                                         \
        if (FAILED(result) && (flags & empties) != 0)                                              \
            to[0] = 0;                                                                             \
        size_t n = barrow_t##f##nlen(to, capacity - 1);                                            \
        if (end != NULL)                                                                           \
            *end = to + n;                                                                         \
        if (left != NULL)                                                                          \
            *left = capacity - n;                                                                  \
        return result;                                                                             \
    }                                                                                              \
    static inline const type *barrow_strsafe_source##X(const type *from, ULONG flags)              \
    {                                                                                              \
        static const type empty[1] = { 0 };                                                        \
        return from == NULL && (flags & STRSAFE_IGNORE_NULLS) != 0 ? empty : from;                 \
    }                                                                                              \
    static inline int barrow_bad_flags##X(ULONG flags)                                             \
    {                                                                                              \
        ULONG known = STRSAFE_IGNORE_NULLS | STRSAFE_NO_TRUNCATION | STRSAFE_NULL_ON_FAILURE;      \
        return (flags & ~known) != 0;                                                              \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCopyEx##X(type *to, size_t capacity, const type *from,   \
                                                    type **end, size_t *left, ULONG flags)         \
    {                                                                                              \
        from = barrow_strsafe_source##X(from, flags);                                              \
        HRESULT result = barrow_bad_flags##X(flags) || from == NULL                                \
                             ? STRSAFE_E_INVALID_PARAMETER                                         \
                             : barrow_StringCchCopy##X(to, capacity, from);                        \
        return barrow_strsafe_end##X(result, to, capacity, end, left, flags);                      \
    }                                                                                              \
    static inline HRESULT barrow_StringCchCatEx##X(type *to, size_t capacity, const type *from,    \
                                                   type **end, size_t *left, ULONG flags)          \
    {                                                                                              \
        from = barrow_strsafe_source##X(from, flags);                                              \
        HRESULT result = barrow_bad_flags##X(flags) || from == NULL                                \
                             ? STRSAFE_E_INVALID_PARAMETER                                         \
                             : barrow_StringCchCat##X(to, capacity, from);                         \
        return barrow_strsafe_end##X(result, to, capacity, end, left, flags);                      \
    }                                                                                              \
    static inline HRESULT barrow_StringCchPrintfEx##X(                                             \
        type *to, size_t capacity, type **end, size_t *left, ULONG flags, const type *format, ...) \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, format);                                                                    \
        HRESULT result = barrow_bad_flags##X(flags)                                                \
                             ? STRSAFE_E_INVALID_PARAMETER                                         \
                             : barrow_StringCchVPrintf##X(to, capacity, format, list);             \
        va_end(list);                                                                              \
        return barrow_strsafe_end##X(result, to, capacity, end, left, flags);                      \
    }                                                                                              \
    static inline HRESULT barrow_StringCbLength##X(const type *text, size_t limit, size_t *length) \
    {                                                                                              \
        HRESULT result = barrow_StringCchLength##X(text, limit / sizeof(type), length);            \
        if (length != NULL)                                                                        \
            *length *= sizeof(type);                                                               \
        return result;                                                                             \
    }                                                                                              \
    static inline HRESULT barrow_StringCbCopy##X(type *to, size_t bytes, const type *from)         \
    {                                                                                              \
        return barrow_StringCchCopy##X(to, bytes / sizeof(type), from);                            \
    }                                                                                              \
    static inline HRESULT barrow_StringCbCopyN##X(type *to, size_t bytes, const type *from,        \
                                                  size_t count)                                    \
    {                                                                                              \
        return barrow_StringCchCopyN##X(to, bytes / sizeof(type), from, count / sizeof(type));     \
    }                                                                                              \
    static inline HRESULT barrow_StringCbCat##X(type *to, size_t bytes, const type *from)          \
    {                                                                                              \
        return barrow_StringCchCat##X(to, bytes / sizeof(type), from);                             \
    }                                                                                              \
    static inline HRESULT barrow_StringCbCatN##X(type *to, size_t bytes, const type *from,         \
                                                 size_t count)                                     \
    {                                                                                              \
        return barrow_StringCchCatN##X(to, bytes / sizeof(type), from, count / sizeof(type));      \
    }                                                                                              \
    static inline HRESULT barrow_StringCbVPrintf##X(type *to, size_t bytes, const type *format,    \
                                                    va_list list)                                  \
    {                                                                                              \
        return barrow_StringCchVPrintf##X(to, bytes / sizeof(type), format, list);                 \
    }                                                                                              \
    static inline HRESULT barrow_StringCbPrintf##X(type *to, size_t bytes, const type *format,     \
                                                   ...)                                            \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, format);                                                                    \
        HRESULT result = barrow_StringCchVPrintf##X(to, bytes / sizeof(type), format, list);       \
        va_end(list);                                                                              \
        return result;                                                                             \
    }

BARROW_STRSAFE(char, a, barrow_vsnprintf, A)
BARROW_STRSAFE(WCHAR, w, barrow_vsnwprintf, W)

#define StringCchLengthA   barrow_StringCchLengthA
#define StringCchLengthW   barrow_StringCchLengthW
#define StringCchCopyA     barrow_StringCchCopyA
#define StringCchCopyW     barrow_StringCchCopyW
#define StringCchCopyNA    barrow_StringCchCopyNA
#define StringCchCopyNW    barrow_StringCchCopyNW
#define StringCchCatA      barrow_StringCchCatA
#define StringCchCatW      barrow_StringCchCatW
#define StringCchCatNA     barrow_StringCchCatNA
#define StringCchCatNW     barrow_StringCchCatNW
#define StringCchPrintfA   barrow_StringCchPrintfA
#define StringCchPrintfW   barrow_StringCchPrintfW
#define StringCchVPrintfA  barrow_StringCchVPrintfA
#define StringCchVPrintfW  barrow_StringCchVPrintfW
#define StringCchCopyExA   barrow_StringCchCopyExA
#define StringCchCopyExW   barrow_StringCchCopyExW
#define StringCchCatExA    barrow_StringCchCatExA
#define StringCchCatExW    barrow_StringCchCatExW
#define StringCchPrintfExA barrow_StringCchPrintfExA
#define StringCchPrintfExW barrow_StringCchPrintfExW
#define StringCbLengthA    barrow_StringCbLengthA
#define StringCbLengthW    barrow_StringCbLengthW
#define StringCbCopyA      barrow_StringCbCopyA
#define StringCbCopyW      barrow_StringCbCopyW
#define StringCbCopyNA     barrow_StringCbCopyNA
#define StringCbCopyNW     barrow_StringCbCopyNW
#define StringCbCatA       barrow_StringCbCatA
#define StringCbCatW       barrow_StringCbCatW
#define StringCbCatNA      barrow_StringCbCatNA
#define StringCbCatNW      barrow_StringCbCatNW
#define StringCbPrintfA    barrow_StringCbPrintfA
#define StringCbPrintfW    barrow_StringCbPrintfW
#define StringCbVPrintfA   barrow_StringCbVPrintfA
#define StringCbVPrintfW   barrow_StringCbVPrintfW

#ifdef UNICODE
#define StringCchLength   barrow_StringCchLengthW
#define StringCchCopy     barrow_StringCchCopyW
#define StringCchCopyN    barrow_StringCchCopyNW
#define StringCchCat      barrow_StringCchCatW
#define StringCchCatN     barrow_StringCchCatNW
#define StringCchPrintf   barrow_StringCchPrintfW
#define StringCchVPrintf  barrow_StringCchVPrintfW
#define StringCchCopyEx   barrow_StringCchCopyExW
#define StringCchCatEx    barrow_StringCchCatExW
#define StringCchPrintfEx barrow_StringCchPrintfExW
#define StringCbLength    barrow_StringCbLengthW
#define StringCbCopy      barrow_StringCbCopyW
#define StringCbCopyN     barrow_StringCbCopyNW
#define StringCbCat       barrow_StringCbCatW
#define StringCbCatN      barrow_StringCbCatNW
#define StringCbPrintf    barrow_StringCbPrintfW
#define StringCbVPrintf   barrow_StringCbVPrintfW
#else
#define StringCchLength   barrow_StringCchLengthA
#define StringCchCopy     barrow_StringCchCopyA
#define StringCchCopyN    barrow_StringCchCopyNA
#define StringCchCat      barrow_StringCchCatA
#define StringCchCatN     barrow_StringCchCatNA
#define StringCchPrintf   barrow_StringCchPrintfA
#define StringCchVPrintf  barrow_StringCchVPrintfA
#define StringCchCopyEx   barrow_StringCchCopyExA
#define StringCchCatEx    barrow_StringCchCatExA
#define StringCchPrintfEx barrow_StringCchPrintfExA
#define StringCbLength    barrow_StringCbLengthA
#define StringCbCopy      barrow_StringCbCopyA
#define StringCbCopyN     barrow_StringCbCopyNA
#define StringCbCat       barrow_StringCbCatA
#define StringCbCatN      barrow_StringCbCatNA
#define StringCbPrintf    barrow_StringCbPrintfA
#define StringCbVPrintf   barrow_StringCbVPrintfA
#endif

#endif
