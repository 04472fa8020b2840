/* SPDX-License-Identifier: MIT */
/* exception_block.c: __try, __except, __finally and __leave in C. Built without and with
 * optimisation: what the compiler keeps where is what the blocks depend on. */
#include "win32_test.h"

#define OURS 0xE0BA0001u

static char trace[64];
static size_t traced;

static void forget(void)
{
    memset(trace, 0, sizeof(trace));
    traced = 0;
}

static int mark(char c)
{
    trace[traced++] = c;
    return 0;
}

/* Raises below some stack of its own, which must be whole if it is gone on. */
static __attribute__((noinline)) int raise_deep(int depth, DWORD code, DWORD flags)
{
    volatile int here[50];
    for (int i = 0; i < 50; i++)
        here[i] = depth * i;
    int below = 0;
    if (depth > 0)
        below = raise_deep(depth - 1, code, flags);
    else
        RaiseException(code, flags, 0, NULL);
    for (int i = 0; i < 50; i++)
        below += here[i] != depth * i;
    return below;
}

static void raise_ours(void)
{
    raise_deep(5, OURS, 0);
}

/* cmocka has handlers of its own for faults; this puts the library's before them. */
static void catch_faults(void)
{
    SetUnhandledExceptionFilter(NULL);
}

/* ---- bodies and handlers ----------------------------------------------------------------------*/

static void b_a_quiet_body_skips_the_handler(void **state)
{
    (void)state;
    forget();
    __try {
        mark('b');
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    assert_string_equal(trace, "b");
}

static void b_execute_handler(void **state)
{
    (void)state;
    forget();
    __try {
        mark('b');
        raise_ours();
        mark('x');
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    mark('.');
    assert_string_equal(trace, "bfh.");
}

static void b_continue_search_asks_outward(void **state)
{
    (void)state;
    forget();
    __try {
        __try {
            raise_ours();
        } __except (mark('1'), EXCEPTION_CONTINUE_SEARCH) {
            mark('x');
        }
        mark('x');
    } __except (mark('2'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    assert_string_equal(trace, "12h");
}

static void b_continue_execution_returns_to_the_raise(void **state)
{
    (void)state;
    volatile int wrong = -1;
    forget();
    __try {
        wrong = raise_deep(30, OURS, 0);
        mark('b');
    } __except (mark('f'), EXCEPTION_CONTINUE_EXECUTION) {
        mark('x');
    }
    assert_string_equal(trace, "fb");
    assert_int_equal(wrong, 0);
}

static LONG only(DWORD code, DWORD wanted)
{
    return code == wanted ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

static void b_the_code_in_filter_and_handler(void **state)
{
    (void)state;
    volatile DWORD outer = 0, inner = 0, again = 0;
    __try {
        raise_ours();
    } __except (only(GetExceptionCode(), OURS)) {
        outer = GetExceptionCode();
        __try {
            raise_deep(2, OURS + 1, 0);
        } __except (only(GetExceptionCode(), OURS + 1)) {
            inner = GetExceptionCode();
        }
        again = GetExceptionCode();
    }
    assert_int_equal(outer, OURS);
    assert_int_equal(inner, OURS + 1);
    assert_int_equal(again, OURS);
}

static __attribute__((noinline)) DWORD catch_one(DWORD code)
{
    DWORD caught = 0;
    __try {
        RaiseException(code, 0, 0, NULL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        caught = GetExceptionCode();
    }
    return caught;
}

static void b_the_code_after_others_were_handled(void **state)
{
    (void)state;
    volatile DWORD code = 0;
    __try {
        raise_ours();
    } __except (catch_one(5) == 5 && GetExceptionCode() == OURS) {
        for (DWORD i = 1; i <= 10; i++)
            assert_int_equal(catch_one(i), i);
        code = GetExceptionCode();
    }
    assert_int_equal(code, OURS);
}

static ULONG_PTR sum_of(const EXCEPTION_POINTERS *pointers)
{
    const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
    const ULONG_PTR *numbers = (const ULONG_PTR *)record->ExceptionInformation[0];
    return numbers[0] + numbers[1];
}

static __attribute__((noinline)) void raise_with_local_array(void)
{
    volatile ULONG_PTR numbers[2] = { 40, 2 };
    const ULONG_PTR parameter = (ULONG_PTR)numbers;
    RaiseException(OURS, 0, 1, &parameter);
}

/* The filter is evaluated while the code that raised is still on the stack. */
static void b_a_filter_sees_the_raisers_variables(void **state)
{
    (void)state;
    volatile ULONG_PTR sum = 0;
    __try {
        raise_with_local_array();
    } __except (sum = sum_of(GetExceptionInformation()), EXCEPTION_EXECUTE_HANDLER) {
        assert_int_equal(sum, 42);
    }
    assert_int_equal(sum, 42);
}

static void b_filters_see_and_change_local_variables(void **state)
{
    (void)state;
    volatile int limit = 3, asked = 0;
    __try {
        for (volatile int i = 0; i < 10; i++)
            raise_ours();
        mark('x');
    } __except (asked++ < limit ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_EXECUTE_HANDLER) {
        limit = 0;
    }
    assert_int_equal(asked, 4);
    assert_int_equal(limit, 0);
}

static void b_a_million_blocks_cost_no_stack(void **state)
{
    (void)state;
    volatile int handled = 0;
    for (volatile int i = 0; i < 1000000; i++) {
        __try {
            if (i % 10 == 0)
                RaiseException(OURS, 0, 0, NULL);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            handled++;
        }
    }
    assert_int_equal(handled, 100000);
}

static __attribute__((noinline)) int recurse(int depth)
{
    volatile int result = 0;
    __try {
        if (depth == 0)
            RaiseException(OURS, 0, 0, NULL);
        result = recurse(depth - 1) + 1;
    } __except (depth == 90 ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        result = 1000;
    }
    return result;
}

static void b_blocks_of_a_recursive_function(void **state)
{
    (void)state;
    assert_int_equal(recurse(100), 1010);
}

/* ---- ways out of a body -----------------------------------------------------------------------*/

static __attribute__((noinline)) int returns(int how)
{
    __try {
        if (how == 1)
            return 11;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return 12;
    }
    return 13;
}

static void b_return_break_continue_goto_leave(void **state)
{
    (void)state;
    volatile int rounds = 0, n = 0;
    assert_int_equal(returns(1), 11);
    assert_int_equal(returns(2), 13);
    for (volatile int i = 0; i < 10; i++) {
        __try {
            if (i == 2)
                continue;
            if (i == 5)
                break;
            if (i == 4)
                __leave;
            n++;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            n = 100;
        }
        rounds++;
    }
    assert_int_equal(n, 3);
    assert_int_equal(rounds, 4);
    __try {
        goto out;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        n = 100;
    }
out:
    /* none of the blocks above is in force any more */
    forget();
    __try {
        raise_ours();
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    assert_string_equal(trace, "fh");
    assert_int_equal(n, 3);
}

static int as_a_branch(int condition)
{
    volatile int result = 0;
    if (condition)
        __try {
            result = 1;
            raise_ours();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            result = 2;
        }
    else
        result = 3;
    return result;
}

static void b_a_block_is_one_statement(void **state)
{
    (void)state;
    volatile int result = 0;
    assert_int_equal(as_a_branch(1), 2);
    assert_int_equal(as_a_branch(0), 3);
    switch (as_a_branch(1)) {
    case 2:
        __try {
            raise_ours();
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            result = 5;
            break;
        }
        result = 6;
        break;
    default:
        result = 7;
    }
    assert_int_equal(result, 5);
}

/* ---- final blocks -----------------------------------------------------------------------------*/

static void b_finally_runs_at_the_normal_end(void **state)
{
    (void)state;
    forget();
    __try {
        mark('b');
    } __finally {
        mark(AbnormalTermination() ? 'a' : 'n');
    }
    __try {
        __leave;
    } __finally {
        mark(AbnormalTermination() ? 'a' : 'n');
    }
    assert_string_equal(trace, "bnn");
}

static void b_finally_runs_after_the_filter(void **state)
{
    (void)state;
    forget();
    __try {
        __try {
            __try {
                raise_ours();
            } __finally {
                mark(AbnormalTermination() ? '1' : 'n');
            }
            mark('x');
        } __finally {
            mark(AbnormalTermination() ? '2' : 'n');
        }
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    assert_string_equal(trace, "f12h");
}

static __attribute__((noinline)) int returns_through_finally(int how)
{
    volatile int value = 20;
    __try {
        if (how == 1)
            return value + 1;
        value = 30;
    } __finally {
        value = 99; /* too late for the result */
        mark(AbnormalTermination() ? 'a' : 'n');
    }
    return value;
}

static void b_return_runs_the_final_block(void **state)
{
    (void)state;
    forget();
    assert_int_equal(returns_through_finally(1), 21);
    assert_string_equal(trace, "a");
    assert_int_equal(returns_through_finally(2), 99);
    assert_string_equal(trace, "an");
}

static void b_break_and_continue_run_the_final_block(void **state)
{
    (void)state;
    volatile int n = 0, finals = 0;
    for (volatile int i = 0; i < 10; i++) {
        __try {
            if (i == 3)
                continue;
            if (i == 7)
                break;
            n++;
        } __finally {
            finals++;
        }
    }
    assert_int_equal(n, 6);
    assert_int_equal(finals, 8);
}

static void b_going_on_runs_no_final_block(void **state)
{
    (void)state;
    forget();
    __try {
        __try {
            raise_ours();
            mark('b');
        } __finally {
            mark(AbnormalTermination() ? 'a' : 'n');
        }
    } __except (mark('f'), EXCEPTION_CONTINUE_EXECUTION) {
        mark('x');
    }
    assert_string_equal(trace, "fbn");
}

/* The second exception is searched for from the final block outward; the first is forgotten. */
static void b_a_final_block_may_raise(void **state)
{
    (void)state;
    volatile DWORD code = 0;
    forget();
    __try {
        __try {
            __try {
                raise_ours();
            } __finally {
                mark('1');
                raise_deep(3, OURS + 1, 0);
                mark('x');
            }
        } __finally {
            mark('2');
        }
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    assert_string_equal(trace, "f1f2");
    assert_int_equal(code, OURS + 1);
}

static void b_a_final_block_may_use_blocks(void **state)
{
    (void)state;
    forget();
    __try {
        __try {
            raise_ours();
        } __finally {
            __try {
                raise_ours();
            } __except (EXCEPTION_EXECUTE_HANDLER) {
                mark('i');
            }
            __try {
                mark('j');
            } __finally {
                mark(AbnormalTermination() ? 'a' : 'n');
            }
            mark(AbnormalTermination() ? 'a' : 'n');
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    assert_string_equal(trace, "ijnah");
}

/* ---- noncontinuable, nested -------------------------------------------------------------------*/

static DWORD cause;

static LONG continue_once(const EXCEPTION_POINTERS *pointers)
{
    const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
    if (record->ExceptionCode == OURS)
        return EXCEPTION_CONTINUE_EXECUTION;
    cause = record->ExceptionRecord->ExceptionCode;
    assert_int_equal(record->ExceptionFlags, EXCEPTION_NONCONTINUABLE);
    return EXCEPTION_EXECUTE_HANDLER;
}

static void b_going_on_after_a_noncontinuable_raises_another(void **state)
{
    (void)state;
    volatile DWORD code = 0;
    cause = 0;
    __try {
        raise_deep(2, OURS, EXCEPTION_NONCONTINUABLE);
    } __except (continue_once(GetExceptionInformation())) {
        code = GetExceptionCode();
    }
    assert_int_equal(code, EXCEPTION_NONCONTINUABLE_EXCEPTION);
    assert_int_equal(cause, OURS);
}

static LONG filter_that_raises(void)
{
    raise_deep(2, OURS + 1, 0);
    return EXCEPTION_CONTINUE_SEARCH;
}

static void b_a_filter_may_raise(void **state)
{
    (void)state;
    volatile DWORD code = 0;
    __try {
        __try {
            raise_ours();
        } __except (GetExceptionCode() == OURS ? filter_that_raises() : 0) {
            mark('x');
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    assert_int_equal(code, OURS + 1);
}

static LONG CALLBACK sees(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    mark('v');
    return EXCEPTION_CONTINUE_SEARCH;
}

static void b_vectored_handlers_come_before_filters(void **state)
{
    (void)state;
    PVOID handle = AddVectoredExceptionHandler(0, sees);
    forget();
    __try {
        raise_ours();
    } __except (mark('f'), EXCEPTION_EXECUTE_HANDLER) {
        mark('h');
    }
    RemoveVectoredExceptionHandler(handle);
    assert_string_equal(trace, "vfh");
}

/* ---- faults -----------------------------------------------------------------------------------*/

static EXCEPTION_RECORD fault;

static LONG keep(const EXCEPTION_POINTERS *pointers, LONG answer)
{
    fault = *pointers->ExceptionRecord;
    return answer;
}

static __attribute__((noinline)) void store(char *to, char value)
{
    *(volatile char *)to = value;
}

static void b_a_fault_in_a_body(void **state)
{
    (void)state;
    char *volatile p = alloc_pages(2, MEM_RESERVE, PAGE_READWRITE);
    volatile int handled = 0;
    catch_faults();
    for (volatile int i = 0; i < 100; i++) {
        __try {
            store(p + 100, 1);
            handled = -1000;
        } __except (keep(GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
            handled++;
        }
    }
    assert_int_equal(handled, 100);
    assert_int_equal(fault.ExceptionCode, EXCEPTION_ACCESS_VIOLATION);
    assert_int_equal(fault.ExceptionInformation[0], 1);
    assert_ptr_equal(fault.ExceptionInformation[1], p + 100);
    release(p);
}

static void b_a_guard_page_in_a_body(void **state)
{
    (void)state;
    char *volatile p = alloc_pages(1, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
    volatile DWORD code = 0;
    catch_faults();
    __try {
        store(p, 1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        code = GetExceptionCode();
    }
    assert_int_equal(code, EXCEPTION_GUARD_PAGE);
    assert_int_equal(p[0], 0);
    store(p, 2); /* no guard any more */
    assert_int_equal(p[0], 2);
    release(p);
}

static LONG commit(const EXCEPTION_POINTERS *pointers, volatile int *pages)
{
    volatile char noise[2000]; /* where a part of the body's stack would be, were it not kept */
    void *address = (void *)pointers->ExceptionRecord->ExceptionInformation[1];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = 0x55;
    if (pointers->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION ||
        VirtualAlloc(address, 1, MEM_COMMIT, PAGE_READWRITE) == NULL)
        return EXCEPTION_EXECUTE_HANDLER;
    ++*pages;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void b_commit_on_fault(void **state)
{
    (void)state;
    enum { PAGES = 50 };
    char *p = alloc_pages(PAGES, MEM_RESERVE, PAGE_READWRITE);
    volatile int pages = 0, handled = 0;
    unsigned sum = 0, expected = 0;
    catch_faults();
    __try {
        unsigned numbers[64];
        for (unsigned i = 0; i < 64; i++)
            numbers[i] = i * i;
        for (unsigned i = 0; i < PAGES * PAGE; i++) {
            p[i] = (char)i;
            sum += numbers[i % 64];
        }
    } __except (commit(GetExceptionInformation(), &pages)) {
        handled = 1;
    }
    for (unsigned i = 0; i < PAGES * PAGE; i++)
        expected += (i % 64) * (i % 64);
    assert_int_equal(handled, 0);
    assert_int_equal(pages, PAGES);
    assert_int_equal(sum, expected);
    release(p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b_a_quiet_body_skips_the_handler),
        cmocka_unit_test(b_execute_handler),
        cmocka_unit_test(b_continue_search_asks_outward),
        cmocka_unit_test(b_continue_execution_returns_to_the_raise),
        cmocka_unit_test(b_the_code_in_filter_and_handler),
        cmocka_unit_test(b_the_code_after_others_were_handled),
        cmocka_unit_test(b_a_filter_sees_the_raisers_variables),
        cmocka_unit_test(b_filters_see_and_change_local_variables),
        cmocka_unit_test(b_a_million_blocks_cost_no_stack),
        cmocka_unit_test(b_blocks_of_a_recursive_function),
        cmocka_unit_test(b_return_break_continue_goto_leave),
        cmocka_unit_test(b_a_block_is_one_statement),
        cmocka_unit_test(b_finally_runs_at_the_normal_end),
        cmocka_unit_test(b_finally_runs_after_the_filter),
        cmocka_unit_test(b_return_runs_the_final_block),
        cmocka_unit_test(b_break_and_continue_run_the_final_block),
        cmocka_unit_test(b_going_on_runs_no_final_block),
        cmocka_unit_test(b_a_final_block_may_raise),
        cmocka_unit_test(b_a_final_block_may_use_blocks),
        cmocka_unit_test(b_going_on_after_a_noncontinuable_raises_another),
        cmocka_unit_test(b_a_filter_may_raise),
        cmocka_unit_test(b_vectored_handlers_come_before_filters),
        cmocka_unit_test(b_a_fault_in_a_body),
        cmocka_unit_test(b_a_guard_page_in_a_body),
        cmocka_unit_test(b_commit_on_fault),
    };
    tests_set_up(argc, argv, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
