/* SPDX-License-Identifier: MIT */
/* A dispatch that a handler left by longjmp, as the next exceptions find it. */
#include "win32/exception/exception.h"

#include "test.h"

#include <setjmp.h>

#define CODE 0xE0BA0001u

static jmp_buf out;
static struct dispatch *left;

static LONG WINAPI leave(EXCEPTION_POINTERS *pointers)
{
    (void)pointers;
    left = exceptions.dispatch;
    longjmp(out, 1);
}

static __attribute__((noinline)) void raise_below(volatile char *room)
{
    room[0] = 1;
    RaiseException(CODE, 0, 0, NULL);
}

static __attribute__((noinline)) void raise_deep(void)
{
    volatile char room[8192];
    raise_below(room);
}

/* The stack has grown over what was left, and part of that has been written to. */
static __attribute__((noinline)) void raise_deeper(void)
{
    volatile char room[65536];
    if ((volatile char *)left > room && (volatile char *)left < room + sizeof room - sizeof *left)
        left->depth = 0x30bf4c9;
    else
        left = NULL;
    raise_below(room);
}

static void what_was_left_and_written_over_is_not_used(void **state)
{
    (void)state;
    AddVectoredExceptionHandler(1, leave);
    if (setjmp(out) == 0)
        raise_deep();
    assert_non_null(left);
    struct dispatch *first = left;
    if (setjmp(out) == 0)
        raise_deeper();
    assert_true(left != NULL && left < first);
    assert_true(left->outer == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_and_written_over_is_not_used),
    };
    return cmocka_run_group_tests_name("exceptions", tests, NULL, NULL);
}
