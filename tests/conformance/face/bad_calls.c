/* SPDX-License-Identifier: MIT */
/* Bad calls: every kind of bad pointer handed to every call that takes a block ends the process by
 * SIGABRT, after one line that names the call, the address and the cause. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bad_pointers.h"
#include "support/calls.h"
#include "support/child.h"
#include "support/suite.h"

static void call_free(void *block)
{
    free(block);
}

static void call_realloc(void *block)
{
    opaque(realloc(block, 300));
}

static void call_realloc_zero(void *block)
{
    opaque(realloc(block, opaque_size(0)));
}

static void call_reallocarray(void *block)
{
    opaque(reallocarray(block, 30, 10));
}

static void call_usable_size(void *block)
{
    opaque_size(malloc_usable_size(block));
}

static void call_free_sized(void *block)
{
    free_sized(block, 64);
}

static void call_free_aligned_sized(void *block)
{
    free_aligned_sized(block, 16, 64);
}

static void call_cfree(void *block)
{
    cfree(block);
}

/* The names that the message may give the call. */
static const struct call {
    const char *name;
    void (*make)(void *block);
    const char *shown[2];
} calls[] = {
    { "free", call_free, { "free" } },
    { "realloc", call_realloc, { "realloc" } },
    { "realloc_zero", call_realloc_zero, { "realloc" } },
    { "reallocarray", call_reallocarray, { "reallocarray", "realloc" } },
    { "malloc_usable_size", call_usable_size, { "malloc_usable_size" } },
    { "free_sized", call_free_sized, { "free_sized" } },
    { "free_aligned_sized", call_free_aligned_sized, { "free_aligned_sized" } },
    { "cfree", call_cfree, { "cfree", "free" } },
};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

static void *pointer_make(const char *name)
{
    const struct bad_pointer *pointer = bad_pointers;

    while (strcmp(pointer->name, name) != 0)
        pointer++;
    return pointer->make();
}

/* The child: tells the pointer on standard output, then makes the call it is named for. */
static int child_calls(const char *argument)
{
    char pointer[64];
    const char *comma = strchr(argument, ',');

    memcpy(pointer, argument, (size_t)(comma - argument));
    pointer[comma - argument] = '\0';
    void *block = pointer_make(pointer);
    dprintf(1, "(%p): ", block);
    for (size_t i = 0; i < CALLS; i++)
        if (strcmp(calls[i].name, comma + 1) == 0)
            calls[i].make(opaque(block));
    return 0;
}

/* The text right behind a prefix; NULL when the line does not start with it. */
static const char *behind(const char *line, const char *prefix)
{
    size_t length = strlen(prefix);

    return line != NULL && strncmp(line, prefix, length) == 0 ? line + length : NULL;
}

static bool line_names_call(const char *line, const struct call *call, const char *address)
{
    line = behind(line, "barrow: ");
    for (size_t i = 0; i < 2 && call->shown[i] != NULL; i++)
        if (behind(behind(line, call->shown[i]), address) != NULL)
            return true;
    return false;
}

static bool line_tells_cause(const char *line, unsigned causes)
{
    return ((causes & FOREIGN) && strstr(line, "not a block") != NULL) ||
           ((causes & INSIDE) && strstr(line, "inside a block") != NULL) ||
           ((causes & FREED) &&
            (strstr(line, "free already") != NULL || strstr(line, "double free") != NULL));
}

/* What is wrong with how the child ended; NULL: nothing. */
static const char *end_fault(const struct child_result *result, const struct call *call,
                             unsigned causes)
{
    const char *newline = strchr(result->err, '\n');

    if (!child_killed(result, SIGABRT))
        return "not killed by SIGABRT";
    if (newline == NULL || newline[1] != '\0')
        return "not one line on standard error";
    if (!line_names_call(result->err, call, result->out))
        return "the line does not name the call and the address";
    return line_tells_cause(result->err, causes) ? NULL : "the line does not tell the cause";
}

static void call_refuses_all(const struct call *call)
{
    static struct child_result result;
    size_t faults = 0;

    for (const struct bad_pointer *pointer = bad_pointers; pointer->name != NULL; pointer++) {
        char argument[128];

        snprintf(argument, sizeof(argument), "%s,%s", pointer->name, call->name);
        child_run_case("call", argument, &result);
        const char *fault = end_fault(&result, call, pointer->causes);
        if (fault != NULL) {
            printf("%s: %s\n", argument, fault);
            child_show("  its process", &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

static void refused(void **state)
{
    call_refuses_all(*state);
}

#if !defined(_WIN32) /* where no signal ends the process */
/* Programs catch SIGABRT to save their work or to print a backtrace, and allocate for it. */
static void handler_allocates(int signal)
{
    (void)signal;
    for (size_t size = 1; size < 1000000; size *= 3) {
        char *block = malloc(size);
        if (block == NULL)
            _exit(8);
        memset(block, 1, size);
        free(block);
    }
    _exit(7);
}

static int child_handles(const char *argument)
{
    signal(SIGABRT, handler_allocates);
    free(pointer_make(argument));
    return 0;
}

static void abort_handlers_may_allocate(void **state)
{
    static const char *const names[] = { "freed_64", "freed_large", "inside_by_16", "of_stack" };
    static struct child_result result;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        child_run_case("handle", names[i], &result);
        if (!child_exited(&result, 7))
            child_show(names[i], &result);
        assert_true(child_exited(&result, 7));
    }
}
#endif

/* A daemon has closed its standard error; whatever file has number 2 by then is not ours. */
static int child_closes(const char *argument)
{
    for (int file = 0; file < 64; file++)
        close(file);
    free(pointer_make(argument));
    return 0;
}

static void works_without_standard_error(void **state)
{
    static struct child_result result;

    (void)state;
    child_run_case("close", "freed_64", &result);
    assert_true(child_killed(&result, SIGABRT));
    child_run_case("close", "of_stack", &result);
    assert_true(child_killed(&result, SIGABRT));
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = {
        { "call", child_calls },
#if !defined(_WIN32)
        { "handle", child_handles },
#endif
        { "close", child_closes },
        { NULL, NULL },
    };
    struct CMUnitTest tests[] = {
        [CALLS] = cmocka_unit_test(works_without_standard_error),
#if !defined(_WIN32)
        [CALLS + 1] = cmocka_unit_test(abort_handlers_may_allocate),
#endif
    };

    child_case(argc, argv, cases);
    for (size_t i = 0; i < CALLS; i++)
        tests[i] = (struct CMUnitTest){ calls[i].name, refused, NULL, NULL, (void *)&calls[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
