/* SPDX-License-Identifier: MIT */
/* exception.c: RaiseException, vectored handlers, and faults as they see them. */
#include "win32_test.h"

#ifdef _WIN32
#include <process.h>
#else
#include <pthread.h>
#endif

#define RW      PAGE_READWRITE
#define RESERVE MEM_RESERVE
#define OURS    0xE0BA0001u

/* What the handlers write down. */
static EXCEPTION_RECORD seen;
static char order[32];
static int calls;

static void forget(void)
{
    memset(&seen, 0, sizeof(seen));
    memset(order, 0, sizeof(order));
    calls = 0;
}

static LONG note(char name, EXCEPTION_POINTERS *pointers, LONG answer)
{
    if (pointers->ExceptionRecord->ExceptionCode != OURS)
        return EXCEPTION_CONTINUE_SEARCH;
    assert_true(calls + 1 < (int)sizeof(order));
    order[calls++] = name;
    seen = *pointers->ExceptionRecord;
    return answer;
}

static LONG CALLBACK goes_on(EXCEPTION_POINTERS *pointers)
{
    return note('g', pointers, EXCEPTION_CONTINUE_EXECUTION);
}

static LONG CALLBACK a(EXCEPTION_POINTERS *pointers)
{
    return note('a', pointers, EXCEPTION_CONTINUE_SEARCH);
}

static LONG CALLBACK b(EXCEPTION_POINTERS *pointers)
{
    return note('b', pointers, EXCEPTION_CONTINUE_SEARCH);
}

static PVOID add(int first, PVECTORED_EXCEPTION_HANDLER handler)
{
    PVOID handle = AddVectoredExceptionHandler((ULONG)first, handler);
    assert_non_null(handle);
    return handle;
}

static void drop(PVOID handle)
{
    assert_true(RemoveVectoredExceptionHandler(handle) != 0);
}

/* ---- RaiseException ---------------------------------------------------------------------------*/

static void x_record_has_what_was_raised(void **state)
{
    (void)state;
    const ULONG_PTR parameters[] = { 11, (ULONG_PTR)-1, 33 };
    PVOID handle = add(1, goes_on);
    forget();
    RaiseException(OURS, 0, 3, parameters);
    drop(handle);
    assert_int_equal(seen.ExceptionCode, OURS);
    assert_int_equal(seen.ExceptionFlags & 1, 0);
    assert_null(seen.ExceptionRecord);
    assert_non_null(seen.ExceptionAddress);
    assert_int_equal(seen.NumberParameters, 3);
    assert_memory_equal(seen.ExceptionInformation, parameters, sizeof(parameters));
}

static void x_going_on_returns_from_raise(void **state)
{
    (void)state;
    volatile int after = 0;
    PVOID handle = add(1, goes_on);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    after = 1;
    drop(handle);
    assert_int_equal(after, 1);
    assert_int_equal(calls, 1);
}

static void x_fifteen_parameters_at_most(void **state)
{
    (void)state;
    ULONG_PTR parameters[20];
    for (int i = 0; i < 20; i++)
        parameters[i] = (ULONG_PTR)i;
    PVOID handle = add(1, goes_on);
    forget();
    RaiseException(OURS, 0, 20, parameters);
    drop(handle);
    assert_int_equal(EXCEPTION_MAXIMUM_PARAMETERS, 15);
    assert_int_equal(seen.NumberParameters, 15);
    assert_int_equal(seen.ExceptionInformation[14], 14);
}

static void x_without_array_no_parameters(void **state)
{
    (void)state;
    PVOID handle = add(1, goes_on);
    forget();
    RaiseException(OURS, 0, 4, NULL);
    drop(handle);
    assert_int_equal(seen.NumberParameters, 0);
}

static void x_last_error_is_kept(void **state)
{
    (void)state;
    PVOID handle = add(1, goes_on);
    SetLastError(0xDEADBEEF);
    RaiseException(OURS, 0, 0, NULL);
    assert_int_equal(GetLastError(), 0xDEADBEEF);
    drop(handle);
}

/* ---- vectored handlers ------------------------------------------------------------------------*/

static void x_handlers_are_asked_in_order(void **state)
{
    (void)state;
    PVOID last = add(0, goes_on), second = add(1, b), first = add(1, a);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "abg");
    drop(first);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "bg");
    first = add(0, a); /* behind the one that goes on: not asked */
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "bg");
    drop(first);
    drop(second);
    drop(last);
}

static void x_the_same_handler_twice(void **state)
{
    (void)state;
    PVOID last = add(0, goes_on), one = add(1, a), two = add(1, a);
    assert_ptr_not_equal(one, two);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "aag");
    drop(one);
    drop(two);
    drop(last);
}

static void x_remove_fails_for_other_handles(void **state)
{
    (void)state;
    PVOID handle = add(1, a);
    drop(handle);
    assert_int_equal(RemoveVectoredExceptionHandler(handle), 0);
    assert_int_equal(RemoveVectoredExceptionHandler(NULL), 0);
}

static PVOID own_handle, next_handle;

static LONG CALLBACK removes_itself(EXCEPTION_POINTERS *pointers)
{
    LONG answer = note('r', pointers, EXCEPTION_CONTINUE_SEARCH);
    RemoveVectoredExceptionHandler(own_handle);
    return answer;
}

static void x_a_handler_may_remove_itself(void **state)
{
    (void)state;
    PVOID last = add(0, goes_on);
    own_handle = add(1, removes_itself);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "rg");
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "g");
    drop(last);
}

static LONG CALLBACK removes_the_next(EXCEPTION_POINTERS *pointers)
{
    LONG answer = note('n', pointers, EXCEPTION_CONTINUE_SEARCH);
    RemoveVectoredExceptionHandler(next_handle);
    return answer;
}

static void x_a_handler_may_remove_the_next(void **state)
{
    (void)state;
    PVOID last = add(0, goes_on);
    next_handle = add(1, a);
    PVOID first = add(1, removes_the_next);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "ng");
    drop(first);
    drop(last);
}

static LONG CALLBACK raises_another(EXCEPTION_POINTERS *pointers)
{
    if (pointers->ExceptionRecord->ExceptionCode == OURS && calls < 3) {
        note('(', pointers, 0);
        RaiseException(OURS, 0, 0, NULL);
        order[calls++] = ')';
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

static void x_a_handler_may_raise(void **state)
{
    (void)state;
    PVOID last = add(0, goes_on), first = add(1, raises_another);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "(((g)g)g)g");
    drop(first);
    drop(last);
}

static LONG CALLBACK continues(EXCEPTION_POINTERS *pointers)
{
    return note('c', pointers, EXCEPTION_CONTINUE_SEARCH);
}

static LONG CALLBACK continues_last(EXCEPTION_POINTERS *pointers)
{
    return note('l', pointers, EXCEPTION_CONTINUE_EXECUTION);
}

static void x_continue_handlers_come_after_going_on(void **state)
{
    (void)state;
    PVOID handle = add(1, goes_on);
    PVOID third = AddVectoredContinueHandler(0, continues);
    PVOID second = AddVectoredContinueHandler(1, continues_last);
    PVOID first = AddVectoredContinueHandler(1, continues);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "gcl");
    assert_int_equal(RemoveVectoredExceptionHandler(first), 0); /* of the other kind */
    assert_true(RemoveVectoredContinueHandler(first) && RemoveVectoredContinueHandler(second));
    assert_true(RemoveVectoredContinueHandler(third));
    assert_int_equal(RemoveVectoredContinueHandler(third), 0);
    drop(handle);
}

/* ---- faults -----------------------------------------------------------------------------------*/

static EXCEPTION_RECORD fault;
static int pc_agrees;
static char *pages; /* the handler answers for these alone */

static ULONG_PTR pc_of(const CONTEXT *context)
{
#if defined(__aarch64__)
    return context->Pc;
#else
    return context->Rip;
#endif
}

/* As calls, so that the compiler looks again at what a handler has written meanwhile. */
static __attribute__((noinline)) void store(char *to, char value)
{
    *(volatile char *)to = value;
    __asm__ volatile("" : : : "memory");
}

static __attribute__((noinline)) int load(const char *from)
{
    int value = *(const volatile char *)from;
    __asm__ volatile("" : : : "memory");
    return value;
}

static int is_for_us(const EXCEPTION_RECORD *record)
{
    return record->NumberParameters >= 2 && record->ExceptionInformation[1] >= (ULONG_PTR)pages &&
           record->ExceptionInformation[1] < (ULONG_PTR)pages + 4 * PAGE;
}

static LONG CALLBACK commits(EXCEPTION_POINTERS *pointers)
{
    if (!is_for_us(pointers->ExceptionRecord))
        return EXCEPTION_CONTINUE_SEARCH;
    calls++;
    fault = *pointers->ExceptionRecord;
    pc_agrees = pc_of(pointers->ContextRecord) == (ULONG_PTR)fault.ExceptionAddress;
    if (fault.ExceptionCode == EXCEPTION_ACCESS_VIOLATION)
        VirtualAlloc((void *)fault.ExceptionInformation[1], 1, MEM_COMMIT, RW);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void x_a_write_to_reserved_memory_is_an_access_violation(void **state)
{
    (void)state;
    PVOID handle = add(1, commits);
    forget();
    pages = alloc_pages(4, RESERVE, RW);
    store(pages + PAGE + 5, 7);
    assert_int_equal(pages[PAGE + 5], 7); /* the access was made again */
    assert_int_equal(calls, 1);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    assert_int_equal(fault.ExceptionFlags & 1, 0);
    assert_int_equal(fault.NumberParameters, 2);
    assert_int_equal(fault.ExceptionInformation[0], 1);
    assert_ptr_equal(fault.ExceptionInformation[1], pages + PAGE + 5);
    assert_true(pc_agrees);
    release(pages);
    drop(handle);
}

static void x_a_read_has_parameter_0(void **state)
{
    (void)state;
    PVOID handle = add(1, commits);
    forget();
    pages = alloc_pages(4, RESERVE, RW);
    assert_int_equal(load(pages + 8), 0);
    assert_int_equal(calls, 1);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    assert_int_equal(fault.ExceptionInformation[0], 0);
    assert_ptr_equal(fault.ExceptionInformation[1], pages + 8);
    release(pages);
    drop(handle);
}

static void x_a_guard_page_is_its_own_exception(void **state)
{
    (void)state;
    PVOID handle = add(1, commits);
    forget();
    pages = alloc_pages(4, MEM_COMMIT, RW | PAGE_GUARD);
    store(pages + 9, 1);
    assert_int_equal(calls, 1);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_GUARD_PAGE);
    assert_int_equal(fault.ExceptionCode, STATUS_GUARD_PAGE_VIOLATION);
    assert_int_equal(fault.NumberParameters, 2);
    assert_int_equal(fault.ExceptionInformation[0], 1);
    assert_ptr_equal(fault.ExceptionInformation[1], pages + 9);
    assert_int_equal(pages[9], 1);
    assert_int_equal(calls, 1);
    release(pages);
    drop(handle);
}

static LONG CALLBACK makes_executable(EXCEPTION_POINTERS *pointers)
{
    DWORD old;
    if (!is_for_us(pointers->ExceptionRecord))
        return EXCEPTION_CONTINUE_SEARCH;
    calls++;
    fault = *pointers->ExceptionRecord;
    VirtualProtect(pages, PAGE, PAGE_EXECUTE_READ, &old);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void x_execution_has_parameter_8(void **state)
{
    (void)state;
#if defined(__aarch64__)
    const unsigned char code[] = { 0xC0, 0x03, 0x5F, 0xD6 }; /* ret */
#else
    const unsigned char code[] = { 0xC3 };
#endif
    PVOID handle = add(1, makes_executable);
    forget();
    pages = alloc_pages(4, MEM_COMMIT, RW);
    memcpy(pages, code, sizeof(code));
    __builtin___clear_cache(pages, pages + sizeof(code));
    ((void (*)(void))(ULONG_PTR)pages)();
    assert_int_equal(calls, 1);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    assert_int_equal(fault.ExceptionInformation[0], 8);
    assert_ptr_equal(fault.ExceptionInformation[1], pages);
    release(pages);
    drop(handle);
}

static LONG CALLBACK steps_over(EXCEPTION_POINTERS *pointers)
{
    fault = *pointers->ExceptionRecord;
    if (fault.ExceptionCode != EXCEPTION_ILLEGAL_INSTRUCTION)
        return EXCEPTION_CONTINUE_SEARCH;
#if defined(__aarch64__)
    pointers->ContextRecord->Pc += 4;
#else
    pointers->ContextRecord->Rip += 2;
#endif
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void x_going_on_takes_the_contexts_registers(void **state)
{
    (void)state;
    PVOID handle = add(1, steps_over);
#if defined(__aarch64__)
    __asm__ volatile(".inst 0" : : : "memory");
#else
    __asm__ volatile("ud2" : : : "memory");
#endif
    drop(handle);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_ILLEGAL_INSTRUCTION);
}

#if defined(__x86_64__)
static LONG CALLBACK divides_by_one(EXCEPTION_POINTERS *pointers)
{
    fault = *pointers->ExceptionRecord;
    if (fault.ExceptionCode != EXCEPTION_INT_DIVIDE_BY_ZERO)
        return EXCEPTION_CONTINUE_SEARCH;
    pointers->ContextRecord->Rcx = 1;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void x_division_by_zero(void **state)
{
    (void)state;
    unsigned quotient = 77, rest = 0;
    PVOID handle = add(1, divides_by_one);
    __asm__ volatile("divl %%ecx" : "+a"(quotient), "+d"(rest) : "c"(0) : "cc", "memory");
    drop(handle);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_INT_DIVIDE_BY_ZERO);
    assert_int_equal(fault.NumberParameters, 0);
    assert_int_equal(quotient, 77);
}

static void x_a_wild_address_of_no_memory_at_all(void **state)
{
    (void)state;
    DWORD code = fault_of_read((const volatile void *)0xDEAD000000000000u);
    assert_int_equal(code, EXCEPTION_ACCESS_VIOLATION);
}
#endif

/* ---- threads ----------------------------------------------------------------------------------*/

static volatile LONG own_exceptions;

static LONG CALLBACK counts(EXCEPTION_POINTERS *pointers)
{
    if (pointers->ExceptionRecord->ExceptionCode != OURS)
        return EXCEPTION_CONTINUE_SEARCH;
    /* its parameter is the address of a variable of the raising thread */
    ++*(int *)pointers->ExceptionRecord->ExceptionInformation[0];
    __atomic_add_fetch(&own_exceptions, 1, __ATOMIC_SEQ_CST);
    return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG CALLBACK ignores(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    return EXCEPTION_CONTINUE_SEARCH;
}

static int raise_often(void)
{
    int count = 0;
    const ULONG_PTR parameter = (ULONG_PTR)&count;
    for (int i = 0; i < 1000; i++) {
        PVOID handle = AddVectoredExceptionHandler((ULONG)i & 1, ignores);
        RaiseException(OURS, 0, 1, &parameter);
        RemoveVectoredExceptionHandler(handle);
    }
    return count;
}

#ifdef _WIN32
static DWORD WINAPI thread(LPVOID result)
{
    *(int *)result = raise_often();
    return 0;
}
#else
static void *thread(void *result)
{
    *(int *)result = raise_often();
    return NULL;
}
#endif

static void x_threads_raise_and_add_at_once(void **state)
{
    (void)state;
    int results[4] = { 0 };
    own_exceptions = 0;
    PVOID first = add(1, ignores), handle = add(1, counts);
#ifdef _WIN32
    HANDLE threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = CreateThread(NULL, 0, thread, &results[i], 0, NULL);
    WaitForMultipleObjects(4, threads, TRUE, 60000);
#else
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread, &results[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
#endif
    drop(handle);
    drop(first);
    for (int i = 0; i < 4; i++)
        assert_int_equal(results[i], 1000);
    assert_int_equal(own_exceptions, 4000);
}

/* ---- unhandled --------------------------------------------------------------------------------*/

static LONG WINAPI last_resort(EXCEPTION_POINTERS *pointers)
{
    return note('u', pointers, EXCEPTION_CONTINUE_EXECUTION);
}

static void x_the_filter_before_is_returned(void **state)
{
    (void)state;
    LPTOP_LEVEL_EXCEPTION_FILTER before = SetUnhandledExceptionFilter(last_resort);
    assert_true(SetUnhandledExceptionFilter(NULL) == last_resort);
    assert_null(SetUnhandledExceptionFilter(before));
}

static void x_the_last_filter_may_go_on(void **state)
{
    (void)state;
    LPTOP_LEVEL_EXCEPTION_FILTER before = SetUnhandledExceptionFilter(last_resort);
    PVOID handle = add(1, a);
    forget();
    RaiseException(OURS, 0, 0, NULL);
    assert_string_equal(order, "au");
    drop(handle);
    SetUnhandledExceptionFilter(before);
}

static void x_codes(void **state)
{
    (void)state;
    assert_int_equal((DWORD)EXCEPTION_ACCESS_VIOLATION, 0xC0000005u);
    assert_int_equal((DWORD)EXCEPTION_GUARD_PAGE, 0x80000001u);
    assert_int_equal((DWORD)EXCEPTION_DATATYPE_MISALIGNMENT, 0x80000002u);
    assert_int_equal((DWORD)EXCEPTION_BREAKPOINT, 0x80000003u);
    assert_int_equal((DWORD)EXCEPTION_SINGLE_STEP, 0x80000004u);
    assert_int_equal((DWORD)EXCEPTION_IN_PAGE_ERROR, 0xC0000006u);
    assert_int_equal((DWORD)EXCEPTION_ILLEGAL_INSTRUCTION, 0xC000001Du);
    assert_int_equal((DWORD)EXCEPTION_NONCONTINUABLE_EXCEPTION, 0xC0000025u);
    assert_int_equal((DWORD)EXCEPTION_INVALID_DISPOSITION, 0xC0000026u);
    assert_int_equal((DWORD)EXCEPTION_ARRAY_BOUNDS_EXCEEDED, 0xC000008Cu);
    assert_int_equal((DWORD)EXCEPTION_FLT_DENORMAL_OPERAND, 0xC000008Du);
    assert_int_equal((DWORD)EXCEPTION_FLT_DIVIDE_BY_ZERO, 0xC000008Eu);
    assert_int_equal((DWORD)EXCEPTION_FLT_INEXACT_RESULT, 0xC000008Fu);
    assert_int_equal((DWORD)EXCEPTION_FLT_INVALID_OPERATION, 0xC0000090u);
    assert_int_equal((DWORD)EXCEPTION_FLT_OVERFLOW, 0xC0000091u);
    assert_int_equal((DWORD)EXCEPTION_FLT_STACK_CHECK, 0xC0000092u);
    assert_int_equal((DWORD)EXCEPTION_FLT_UNDERFLOW, 0xC0000093u);
    assert_int_equal((DWORD)EXCEPTION_INT_DIVIDE_BY_ZERO, 0xC0000094u);
    assert_int_equal((DWORD)EXCEPTION_INT_OVERFLOW, 0xC0000095u);
    assert_int_equal((DWORD)EXCEPTION_PRIV_INSTRUCTION, 0xC0000096u);
    assert_int_equal((DWORD)EXCEPTION_STACK_OVERFLOW, 0xC00000FDu);
    assert_int_equal((DWORD)STATUS_NO_MEMORY, 0xC0000017u);
    assert_int_equal(sizeof(EXCEPTION_RECORD), 152);
    assert_int_equal(EXCEPTION_EXECUTE_HANDLER, 1);
    assert_int_equal(EXCEPTION_CONTINUE_SEARCH, 0);
    assert_int_equal(EXCEPTION_CONTINUE_EXECUTION, -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x_record_has_what_was_raised),
        cmocka_unit_test(x_going_on_returns_from_raise),
        cmocka_unit_test(x_fifteen_parameters_at_most),
        cmocka_unit_test(x_without_array_no_parameters),
        cmocka_unit_test(x_last_error_is_kept),
        cmocka_unit_test(x_handlers_are_asked_in_order),
        cmocka_unit_test(x_the_same_handler_twice),
        cmocka_unit_test(x_remove_fails_for_other_handles),
        cmocka_unit_test(x_a_handler_may_remove_itself),
        cmocka_unit_test(x_a_handler_may_remove_the_next),
        cmocka_unit_test(x_a_handler_may_raise),
        not_on_wine(x_continue_handlers_come_after_going_on),
        cmocka_unit_test(x_a_write_to_reserved_memory_is_an_access_violation),
        cmocka_unit_test(x_a_read_has_parameter_0),
        cmocka_unit_test(x_a_guard_page_is_its_own_exception),
        cmocka_unit_test(x_execution_has_parameter_8),
        cmocka_unit_test(x_going_on_takes_the_contexts_registers),
#if defined(__x86_64__)
        cmocka_unit_test(x_division_by_zero),
        cmocka_unit_test(x_a_wild_address_of_no_memory_at_all),
#endif
        cmocka_unit_test(x_threads_raise_and_add_at_once),
        cmocka_unit_test(x_the_filter_before_is_returned),
        cmocka_unit_test(x_the_last_filter_may_go_on),
        cmocka_unit_test(x_codes),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
