/* SPDX-License-Identifier: MIT */
/* message.c: texts of errors, the program's own path, and the clocks. */
#include "win32_test.h"

static char text[600];

/* --- FormatMessage --------------------------------------------------------------------------- */

static DWORD system_text(DWORD code, DWORD flags)
{
    memset(text, 0, sizeof(text));
    return FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | flags, NULL, code, 0, text, sizeof(text),
                          NULL);
}

static void errors_have_a_text_with_a_line_end(void **state)
{
    static const DWORD codes[] = { 0,   2,   3,   5,   6,   8,   24,  32,   80,   87,   112,
                                   122, 183, 193, 259, 299, 487, 998, 1006, 1132, 1224, 1455 };
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        SetLastError(0xDEADBEEF);
        DWORD n = system_text(codes[i], 0);
        assert_true(n > 2);
        assert_int_equal(GetLastError(), 0xDEADBEEF);
        assert_int_equal(strlen(text), n);
        assert_string_equal(text + n - 2, "\r\n");
    }
}

static void an_hresult_of_an_error_has_its_text(void **state)
{
    char plain[600];
    (void)state;
    assert_true(system_text(ERROR_ACCESS_DENIED, 0) > 0);
    strcpy(plain, text);
    assert_true(system_text(0x80070005u, 0) > 0);
    assert_string_equal(text, plain);
}

static void a_line_length_takes_the_line_end_away(void **state)
{
    (void)state;
    DWORD n = system_text(ERROR_FILE_NOT_FOUND, FORMAT_MESSAGE_MAX_WIDTH_MASK);
    assert_true(n > 5);
    assert_null(strchr(text, '\n'));
    assert_string_equal(text + n - 2, ". ");
}

static void unknown_errors_are_317(void **state)
{
    (void)state;
    assert_error(system_text(0x7FFF1234u, 0), 0, ERROR_MR_MID_NOT_FOUND);
}

static void a_small_buffer_is_122(void **state)
{
    (void)state;
    assert_error(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 2, 0, text, 3, NULL), 0,
                 ERROR_INSUFFICIENT_BUFFER);
    assert_error(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, "12345", 0, 0, text, 5, NULL), 0,
                 ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, "12345", 0, 0, text, 6, NULL), 5);
}

static void no_source_is_87(void **state)
{
    (void)state;
    assert_error(FormatMessageA(0, NULL, 2, 0, text, sizeof(text), NULL), 0,
                 ERROR_INVALID_PARAMETER);
}

static void a_buffer_is_allocated_for_localfree(void **state)
{
    LPSTR narrow = NULL;
    LPWSTR wide = NULL;
    (void)state;
    DWORD n = FormatMessageA(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL,
                             ERROR_ACCESS_DENIED, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT),
                             (LPSTR)&narrow, 100, NULL);
    assert_true(n > 5);
    assert_int_equal(strlen(narrow), n);
    assert_true(LocalSize(narrow) >= 100);
    assert_null(LocalFree(narrow));
    n = FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL,
                       ERROR_ACCESS_DENIED, 0, (LPWSTR)&wide, 0, NULL);
    assert_true(n > 5);
    assert_int_equal(wide[n], 0);
    assert_int_equal(wide[n - 1], '\n');
    assert_null(LocalFree(wide));
}

static DWORD_PTR values[] = {
    (DWORD_PTR) "one", 42, (DWORD_PTR)L"wide", 10, 3, (DWORD_PTR) "abcdef"
};
#ifndef _WIN32
static const WCHAR wide_value[] = u"wide";
#endif

static DWORD format_array(const char *format)
{
#ifndef _WIN32
    values[2] = (DWORD_PTR)wide_value;
#endif
    memset(text, 0, sizeof(text));
    SetLastError(0xDEADBEEF);
    return FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, format, 0, 0,
                          text, sizeof(text), (va_list *)values);
}

static void inserts_are_formatted(void **state)
{
    static const struct {
        const char *format, *result;
    } cases[] = {
        { "plain", "plain" },
        { "%1 and %2!d!", "one and 42" },
        { "%2!08X!|%2!5u!|%2!-5u!|%2!c!|%2!I64d!|%2!lu!", "0000002A|   42|42   |*|42|42" },
        { "%3!ws!|%3!S!|%3!ls!|%1!hs!", "wide|wide|wide|one" },
        { "%4!*.*s! %1", "       abc one" },
        { "100%% %!%.%n%t%r% x", "100% !.\r\n\t\r x" },
        { "end%0more", "end" },
        { "%a%z", "az" },
        { "one\ntwo\r\nthree", "one\r\ntwo\r\nthree" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(format_array(cases[i].format), strlen(cases[i].result));
        assert_string_equal(text, cases[i].result);
        assert_int_equal(GetLastError(), 0xDEADBEEF);
    }
}

static void broken_inserts_are_87_and_nothing_is_235(void **state)
{
    (void)state;
    assert_error(format_array("a%"), 0, ERROR_INVALID_PARAMETER);
    assert_error(format_array("%1!"), 0, ERROR_INVALID_PARAMETER);
    assert_error(format_array("%1!s"), 0, ERROR_INVALID_PARAMETER);
    assert_error(format_array(""), 0, 235); /* ERROR_NO_WORK_DONE, which MinGW-w64 lacks */
    assert_error(FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, "%1", 0,
                                0, text, sizeof(text), NULL),
                 0, ERROR_INVALID_PARAMETER);
}

static DWORD format_list(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    DWORD n = FormatMessageA(FORMAT_MESSAGE_FROM_STRING, format, 0, 0, text, sizeof(text), &list);
    va_end(list);
    return n;
}

static void inserts_come_from_a_list_in_any_order(void **state)
{
    (void)state;
    assert_true(format_list("%3 %1!d! %2", 7, "two", "three") > 0);
    assert_string_equal(text, "three 7 two");
}

static DWORD format_lines(const char *format, DWORD length)
{
    memset(text, 0, sizeof(text));
    return FormatMessageA(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_IGNORE_INSERTS | length,
                          format, 0, 0, text, sizeof(text), NULL);
}

static void inserts_can_be_left_alone(void **state)
{
    (void)state;
    assert_true(format_lines("%1 %2!d! %% %n %0 x", 0) > 0);
    assert_string_equal(text, "%1 %2!d! %% \r\n ");
}

static void lines_are_broken_at_the_length(void **state)
{
    (void)state;
    assert_true(format_lines("a b c d e f g h i j", 8) > 0);
    assert_string_equal(text, "a b c d\r\ne f g h\r\ni j");
    assert_true(format_lines("line1\nline2\r\nline3%nline4 xx\r\n", 255) > 0);
    assert_string_equal(text, "line1 line2 line3\r\nline4 xx ");
}

static void wide_messages(void **state)
{
    static const WCHAR format[] = { '%', '1', ' ', 0xE9, '%', '2', '!', 'd', '!', 0 };
    static const WCHAR one[] = { 'w', 0x20AC, 0 };
    DWORD_PTR arguments[] = { (DWORD_PTR)one, 5 };
    WCHAR wide[20];
    (void)state;
    DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY, format, 0,
                             0, wide, 20, (va_list *)arguments);
    assert_int_equal(n, 5);
    assert_int_equal(wide[1], 0x20AC);
    assert_int_equal(wide[3], 0xE9);
    assert_int_equal(wide[4], '5');
    assert_int_equal(wide[5], 0);
}

/* --- the program's path ---------------------------------------------------------------------- */

static void module_file_name_is_the_programs_path(void **state)
{
    char path[4096], part[8];
    WCHAR wide[4096];
    (void)state;
    SetLastError(0xDEADBEEF);
    DWORD n = GetModuleFileNameA(NULL, path, sizeof(path));
    assert_true(n > 5);
    assert_int_equal(GetLastError(), ERROR_SUCCESS);
    assert_int_equal(strlen(path), n);
    assert_true(GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES);
    assert_int_equal(GetModuleFileNameA(GetModuleHandleA(NULL), path, sizeof(path)), n);
    assert_int_equal(GetModuleFileNameW(NULL, wide, 4096), n);
    assert_int_equal(wide[n - 1], path[n - 1]);
    assert_int_equal(wide[n], 0);
    assert_int_equal(GetModuleFileNameA(NULL, part, sizeof(part)), sizeof(part));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_memory_equal(part, path, 7);
    assert_error(GetModuleFileNameA((HMODULE)0x1234, path, sizeof(path)), 0, ERROR_MOD_NOT_FOUND);
}

static void other_modules_are_126(void **state)
{
    (void)state;
    assert_non_null(GetModuleHandleA(NULL));
    assert_error(GetModuleHandleA("no-such-module.dll"), NULL, ERROR_MOD_NOT_FOUND);
}

static void output_for_a_debugger_keeps_the_error(void **state)
{
    (void)state;
    SetLastError(0xDEADBEEF);
    OutputDebugStringA("");
    assert_int_equal(GetLastError(), 0xDEADBEEF);
}

/* --- clocks ---------------------------------------------------------------------------------- */

static void performance_counter_measures_time(void **state)
{
    LARGE_INTEGER frequency, before, after;
    (void)state;
    assert_kept(QueryPerformanceFrequency(&frequency));
    assert_int_equal(frequency.QuadPart, 10000000);
    assert_kept(QueryPerformanceCounter(&before));
    Sleep(30);
    assert_kept(QueryPerformanceCounter(&after));
    LONGLONG ms = (after.QuadPart - before.QuadPart) * 1000 / frequency.QuadPart;
    assert_true(ms >= 25 && ms < 30000);
}

static void tick_counts_agree(void **state)
{
    (void)state;
    ULONGLONG wide = GetTickCount64();
    DWORD narrow = GetTickCount();
    assert_true(wide > 0);
    assert_true(narrow - (DWORD)wide < 10000);
}

static void dates_of_times(void **state)
{
    static const struct {
        ULONGLONG count;
        SYSTEMTIME date;
    } cases[] = {
        { 0, { 1601, 1, 1, 1, 0, 0, 0, 0 } },
        { 94354848000000000, { 1900, 1, 1, 1, 0, 0, 0, 0 } },
        { 116444736000000000, { 1970, 1, 4, 1, 0, 0, 0, 0 } },
        { 125963423991230000, { 2000, 2, 2, 29, 23, 59, 59, 123 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SYSTEMTIME date;
        FILETIME time, given;
        given.dwLowDateTime = (DWORD)cases[i].count;
        given.dwHighDateTime = (DWORD)(cases[i].count >> 32);
        assert_kept(FileTimeToSystemTime(&given, &date));
        assert_memory_equal(&date, &cases[i].date, sizeof(date));
        assert_kept(SystemTimeToFileTime(&date, &time));
        assert_int_equal(CompareFileTime(&time, &given), 0);
    }
}

static void every_day_of_500_years_comes_back(void **state)
{
    SYSTEMTIME date = { 1999, 1, 0, 1, 6, 7, 8, 9 };
    FILETIME time;
    (void)state;
    assert_true(SystemTimeToFileTime(&date, &time));
    ULONGLONG count = (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;
    WORD weekday = 0;
    for (int day = 0; day < 500 * 366; day++, count += 864000000000) {
        time.dwLowDateTime = (DWORD)count;
        time.dwHighDateTime = (DWORD)(count >> 32);
        assert_true(FileTimeToSystemTime(&time, &date));
        assert_true(day == 0 || date.wDayOfWeek == (weekday + 1) % 7);
        weekday = date.wDayOfWeek;
        assert_true(SystemTimeToFileTime(&date, &time));
        assert_true(((ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime) == count);
    }
}

static void bad_dates_are_87(void **state)
{
    SYSTEMTIME date = { 2023, 2, 0, 29, 0, 0, 0, 0 };
    FILETIME time = { 0, 0x80000000u };
    (void)state;
    assert_error(SystemTimeToFileTime(&date, &time), FALSE, ERROR_INVALID_PARAMETER);
    date.wMonth = 13;
    assert_error(SystemTimeToFileTime(&date, &time), FALSE, ERROR_INVALID_PARAMETER);
    time.dwHighDateTime = 0x80000000u;
    assert_error(FileTimeToSystemTime(&time, &date), FALSE, ERROR_INVALID_PARAMETER);
}

static void the_time_is_now(void **state)
{
    SYSTEMTIME date;
    FILETIME time, now;
    (void)state;
    GetSystemTime(&date);
    assert_true(date.wYear >= 2024 && date.wYear < 2200);
    assert_true(SystemTimeToFileTime(&date, &time));
    GetSystemTimeAsFileTime(&now);
    ULONGLONG a = (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;
    ULONGLONG b = (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
    assert_true(b + 10000000 >= a && b - a < 100000000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        not_on_wine(errors_have_a_text_with_a_line_end),
        cmocka_unit_test(an_hresult_of_an_error_has_its_text),
        cmocka_unit_test(a_line_length_takes_the_line_end_away),
        cmocka_unit_test(unknown_errors_are_317),
        cmocka_unit_test(a_small_buffer_is_122),
        cmocka_unit_test(no_source_is_87),
        cmocka_unit_test(a_buffer_is_allocated_for_localfree),
        cmocka_unit_test(inserts_are_formatted),
        cmocka_unit_test(broken_inserts_are_87_and_nothing_is_235),
        cmocka_unit_test(inserts_come_from_a_list_in_any_order),
        cmocka_unit_test(inserts_can_be_left_alone),
        cmocka_unit_test(lines_are_broken_at_the_length),
        cmocka_unit_test(wide_messages),
        cmocka_unit_test(module_file_name_is_the_programs_path),
        cmocka_unit_test(other_modules_are_126),
        not_on_wine(output_for_a_debugger_keeps_the_error),
        cmocka_unit_test(performance_counter_measures_time),
        cmocka_unit_test(tick_counts_agree),
        cmocka_unit_test(dates_of_times),
        cmocka_unit_test(every_day_of_500_years_comes_back),
        not_on_wine(bad_dates_are_87),
        cmocka_unit_test(the_time_is_now),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
