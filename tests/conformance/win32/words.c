/* SPDX-License-Identifier: MIT */
/* words.c: the small words of Windows sources, generic text, and strings of known size. Built with char
 * and, with UNICODE, with 16-bit characters; for Linux only, since MinGW-w64 has not all words. */
#include "win32_test.h"

#include <strsafe.h>
#include <tchar.h>

typedef struct {
    DWORD first;
    LIST_ENTRY link;
} RECORD;

static __forceinline DWORD twice(_In_ DWORD n)
{
    return 2 * n;
}

__declspec(noinline) static DWORD __cdecl thrice(DWORD n)
{
    return 3 * n;
}

typedef struct DECLSPEC_ALIGN(64) {
    char text[3];
} ALIGNED;

static __declspec(thread) int own;

static void words_have_windows_values(void **state)
{
    RECORD record;
    DWORD array[7];
    DOUBLE FAR *real = &(DOUBLE){ 0.5 };
    (void)state;
    assert_int_equal(ARRAYSIZE(array), 7);
    assert_int_equal(_countof(array), 7);
    assert_int_equal(FIELD_OFFSET(RECORD, link), 8);
    assert_ptr_equal(CONTAINING_RECORD(&record.link, RECORD, link), &record);
    assert_int_equal(MAXDWORD, 0xFFFFFFFFu);
    C_ASSERT(MAXULONG == MAXDWORD && MAXUINT == MAXDWORD && MAXINT == MAXLONG && MININT < 0);
    assert_int_equal(MAKEWORD(0x34, 0x12), 0x1234);
    assert_int_equal(MAKELONG(0x5678, 0x1234), 0x12345678);
    assert_int_equal(HIWORD(0x12345678), 0x1234);
    assert_int_equal(HRESULT_FROM_WIN32(ERROR_ACCESS_DENIED), E_ACCESSDENIED);
    assert_int_equal(HRESULT_FROM_WIN32(ERROR_SUCCESS), S_OK);
    assert_int_equal(HRESULT_FROM_WIN32(0x80070005u), E_ACCESSDENIED);
    assert_int_equal(HRESULT_CODE(E_ACCESSDENIED), ERROR_ACCESS_DENIED);
    assert_true(FAILED(E_FAIL) && SUCCEEDED(S_FALSE));
    assert_int_equal(twice(4) + thrice(4), 20);
    assert_int_equal(__alignof__(ALIGNED), 64);
    assert_true(*real == 0.5);
    assert_int_equal(own, 0);
    assert_true(NT_SUCCESS(STATUS_SUCCESS) && !NT_SUCCESS(STATUS_NO_MEMORY));
    __noop(array);
}

static void handles_keep_their_value_in_32_bits(void **state)
{
    HANDLE m = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100, NULL);
    (void)state;
    assert_ptr_equal(LongToHandle(HandleToLong(m)), m);
    assert_ptr_equal(ULongToHandle(HandleToULong(m)), m);
    assert_ptr_equal(LongToHandle(HandleToLong(INVALID_HANDLE_VALUE)), INVALID_HANDLE_VALUE);
    assert_true(CloseHandle(m));
}

static void memory_is_cleared(void **state)
{
    char text[] = "secret";
    (void)state;
    assert_ptr_equal(SecureZeroMemory(text, sizeof(text)), text);
    assert_int_equal(text[0] | text[5], 0);
    FillMemory(text, 3, 'x');
    assert_string_equal(text, "xxx");
}

/* --- generic text ---------------------------------------------------------------------------- */

static TCHAR line[200];

#define assert_text(text) assert_int_equal(_tcscmp(line, _T(text)), 0)

static void numbers_are_printed_as_windows_does(void **state)
{
    (void)state;
    _stprintf(line, _T("%I64d %I64u %I32d %Iu"), -((LONGLONG)1 << 40), (ULONGLONG)1 << 63, -5,
              (SIZE_T)1 << 33);
    assert_text("-1099511627776 9223372036854775808 -5 8589934592");
    _stprintf(line, _T("%lu %ld %lx %lld"), (DWORD)4294967295u, (LONG)-1, (DWORD)0xABCDEF01u,
              (LONGLONG)1 << 40);
    assert_text("4294967295 -1 abcdef01 1099511627776");
    _stprintf(line, _T("%p|%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%u|%i"), (void *)0x1234, 42, 42, 42, 42,
              255, 255, 255, 8, 7u, -7);
    assert_text("0000000000001234|   42|42   |00042|+42|ff|FF|0xff|10|7|-7");
    _stprintf(line, _T("%hd|%hu|%.3d|%8.3d|%*d|%-*d|%.*d|%%"), 70000, 70000, 5, 5, 4, 1, 4, 2, 3,
              3);
    assert_text("4464|4464|005|     005|   1|2   |003|%");
    _stprintf(line, _T("%.2f %8.3f %e %g %G"), 1.005, 3.14159, 12345.678, 0.0001, 1e20);
    assert_text("1.00    3.142 1.234568e+04 0.0001 1E+20");
}

static void strings_of_both_widths_are_printed(void **state)
{
    static const WCHAR wide[] = { 'w', 'i', 'd', 'e', 0 };
    (void)state;
    _stprintf(line, _T("%s|%hs|%ws|%ls|%S"), _T("text"), "narrow", wide, wide,
              sizeof(TCHAR) == 1 ? (const void *)wide : (const void *)"wide");
    assert_text("text|narrow|wide|wide|wide");
    _stprintf(line, _T("%6s|%-6s|%.2s|%6.2s|%c|%3c|%hc"), _T("text"), _T("text"), _T("text"),
              _T("text"), _T('x'), _T('y'), 'z');
    assert_text("  text|text  |te|    te|x|  y|z");
    _stprintf(line, _T("%s"), (TCHAR *)NULL);
    assert_text("(null)");
}

static void generic_functions(void **state)
{
    (void)state;
    _tcscpy(line, _T("one/two/three"));
    assert_int_equal(_tcslen(line), 13);
    assert_int_equal(_tcsrchr(line, _T('/')) - line, 7);
    assert_int_equal(_tcschr(line, _T('/')) - line, 3);
    assert_int_equal(_tcsstr(line, _T("two")) - line, 4);
    assert_null(_tcsrchr(line, _T('x')));
    assert_int_equal(_tcsicmp(_T("HeLLo"), _T("hEllO")), 0);
    assert_true(_tcsicmp(_T("a"), _T("B")) < 0 && _tcscmp(_T("a"), _T("B")) > 0);
    assert_int_equal(_tcsnicmp(_T("ABx"), _T("aby"), 2), 0);
    assert_int_equal(_tcsncmp(_T("abx"), _T("aby"), 3) < 0, 1);
    assert_int_equal(_ttoi(_T("-42x")), -42);
    _tcscat(line, _T("!"));
    assert_text("one/two/three!");
    TCHAR *copy = _tcsdup(line);
    assert_int_equal(_tcscmp(copy, line), 0);
    free(copy);
    assert_true(_istdigit(_T('5')) && !_istalpha(_T('5')));
}

static void text_of_known_size(void **state)
{
    TCHAR small[5];
    size_t length = 99;
    (void)state;
    assert_int_equal(StringCchCopy(small, 5, _T("hello")), STRSAFE_E_INSUFFICIENT_BUFFER);
    assert_int_equal(_tcscmp(small, _T("hell")), 0);
    assert_int_equal(StringCchCopy(small, 0, _T("x")), STRSAFE_E_INVALID_PARAMETER);
    assert_int_equal(StringCchCopy(small, (size_t)STRSAFE_MAX_CCH + 1, _T("x")),
                     STRSAFE_E_INVALID_PARAMETER);
    assert_int_equal(StringCchCopy(small, 5, _T("abcd")), S_OK);
    assert_int_equal(StringCchCat(small, 5, _T("e")), STRSAFE_E_INSUFFICIENT_BUFFER);
    assert_int_equal(_tcscmp(small, _T("abcd")), 0);
    assert_int_equal(StringCchPrintf(small, 5, _T("%d"), 123456), STRSAFE_E_INSUFFICIENT_BUFFER);
    assert_int_equal(_tcscmp(small, _T("1234")), 0);
    assert_int_equal(StringCchPrintf(small, 5, _T("%d"), 1234), S_OK);
    assert_int_equal(StringCchLength(_T("abc"), 3, &length), STRSAFE_E_INVALID_PARAMETER);
    assert_int_equal(length, 0);
    assert_int_equal(StringCchLength(_T("abc"), 4, &length), S_OK);
    assert_int_equal(length, 3);
    assert_int_equal(StringCchLength(NULL, 4, &length), STRSAFE_E_INVALID_PARAMETER);
    assert_int_equal(StringCchCopyN(small, 5, _T("abcdef"), 3), S_OK);
    assert_int_equal(_tcscmp(small, _T("abc")), 0);
    assert_int_equal(StringCchCatN(small, 5, _T("def"), 1), S_OK);
    assert_int_equal(_tcscmp(small, _T("abcd")), 0);
    assert_int_equal(StringCbCopy(small, sizeof(small), _T("xy")), S_OK);
    assert_int_equal(StringCbLength(small, sizeof(small), &length), S_OK);
    assert_int_equal(length, 2 * sizeof(TCHAR));
}

static void secure_forms_of_text(void **state)
{
    TCHAR small[5];
    (void)state;
    assert_int_equal(_stprintf_s(small, 5, _T("%d"), 1234), 4);
    assert_int_equal(_stprintf_s(small, 5, _T("%d"), 12345), -1);
    assert_int_equal(small[0], 0);
    assert_int_equal(_sntprintf_s(small, 5, _TRUNCATE, _T("%d"), 12345), -1);
    assert_int_equal(_tcscmp(small, _T("1234")), 0);
    assert_int_equal(_sntprintf(small, 5, _T("%d"), 12345), -1);
    assert_int_equal(_tcscpy_s(small, 5, _T("abcd")), 0);
    assert_int_equal(_tcscat_s(small, 5, _T("e")), 34); /* ERANGE */
    assert_int_equal(small[0], 0);
    assert_int_equal(_tcsncpy_s(small, 5, _T("abcdef"), _TRUNCATE), 80);
    assert_int_equal(_tcscmp(small, _T("abcd")), 0);
    assert_int_equal(_tcsncpy_s(small, 5, _T("abcdef"), 2), 0);
    assert_int_equal(_tcscmp(small, _T("ab")), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_windows_values),
        cmocka_unit_test(handles_keep_their_value_in_32_bits),
        cmocka_unit_test(memory_is_cleared),
        cmocka_unit_test(numbers_are_printed_as_windows_does),
        cmocka_unit_test(strings_of_both_widths_are_printed),
        cmocka_unit_test(generic_functions),
        cmocka_unit_test(text_of_known_size),
        cmocka_unit_test(secure_forms_of_text),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
