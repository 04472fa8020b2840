/* SPDX-License-Identifier: MIT */
/* exception.c: exceptions from RaiseException and from faults, who is asked about them, and what
 * happens when nobody has an answer. */
#include "win32/exception/exception.h"

#include "diag/message.h"
#include "win32/host/face_lock.h"
#include "win32/virtual/virtual.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exceptions inside the dispatching of others: a filter that itself faults is asked again and
 * again. */
#define MOST_NESTED 64u

_Atomic bool exception_is_ready;
static _Atomic(LPTOP_LEVEL_EXCEPTION_FILTER) last_filter;

/* ---- the dispatch -----------------------------------------------------------------------------*/

_Noreturn void exception_fatal(const char *text, uintptr_t detail)
{
    message("%s (%#" PRIxPTR ")", text, detail);
    abort();
}

READS_STALE static uintptr_t mark_of(const struct dispatch *dispatch)
{
    uintptr_t mark = (uintptr_t)dispatch ^ 0x6863746170736964u;
    mark = (mark ^ (uintptr_t)dispatch->outer) * 0x9e3779b97f4a7c15u;
    mark = (mark ^ (uintptr_t)dispatch->pointers) * 0x9e3779b97f4a7c15u;
    return (mark ^ dispatch->depth) * 0x9e3779b97f4a7c15u;
}

/* One that was left by longjmp lies below, or its memory has other uses by now. */
READS_STALE static bool is_alive(const struct dispatch *outer, const struct dispatch *inner)
{
    return (uintptr_t)outer > (uintptr_t)inner && outer->mark == mark_of(outer);
}

static void enter(struct dispatch *dispatch, EXCEPTION_POINTERS *pointers)
{
    struct dispatch *outer = exceptions.dispatch;
    if (outer != NULL && !is_alive(outer, dispatch))
        outer = NULL;
    dispatch->outer = outer;
    dispatch->pointers = pointers;
    dispatch->depth = outer != NULL ? outer->depth + 1 : 0;
    dispatch->mark = mark_of(dispatch);
    exceptions.dispatch = dispatch;
    if (dispatch->depth > MOST_NESTED) {
        exception_message(pointers->ExceptionRecord);
        exception_fatal("exceptions within the handling of exceptions", dispatch->depth);
    }
}

static bool ask_all(EXCEPTION_POINTERS *pointers, bool *give_up)
{
    LPTOP_LEVEL_EXCEPTION_FILTER filter = last_filter;
    if (vectored_ask(VECTORED_EXCEPTION, pointers) || blocks_ask(pointers))
        return true;
    LONG answer = filter != NULL ? filter(pointers) : EXCEPTION_CONTINUE_SEARCH;
    *give_up = answer == EXCEPTION_EXECUTE_HANDLER;
    return answer == EXCEPTION_CONTINUE_EXECUTION;
}

static _Noreturn void raise_noncontinuable(EXCEPTION_RECORD *of, CONTEXT *context)
{
    bool give_up = false;
    EXCEPTION_RECORD record = { .ExceptionCode = STATUS_NONCONTINUABLE_EXCEPTION,
                                .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                                .ExceptionRecord = of,
                                .ExceptionAddress = of->ExceptionAddress };
    if (of->ExceptionCode == STATUS_NONCONTINUABLE_EXCEPTION)
        exception_fatal("a noncontinuable exception was continued twice",
                        (uintptr_t)of->ExceptionAddress);
    exception_dispatch(&record, context, &give_up);
    if (!give_up)
        exception_message(&record);
    abort();
}

bool exception_dispatch(EXCEPTION_RECORD *record, CONTEXT *context, bool *give_up)
{
    EXCEPTION_POINTERS pointers = { record, context };
    struct dispatch dispatch;
    enter(&dispatch, &pointers);
    bool go_on = ask_all(&pointers, give_up);
    if (go_on && (record->ExceptionFlags & EXCEPTION_NONCONTINUABLE) != 0)
        raise_noncontinuable(record, context);
    if (go_on)
        vectored_ask(VECTORED_CONTINUE, &pointers);
    dispatch.mark = 0;
    exceptions.dispatch = dispatch.outer;
    return go_on;
}

/* ---- RaiseException ---------------------------------------------------------------------------*/

static void context_of_call(CONTEXT *context, void *pc, void *sp)
{
    memset(context, 0, sizeof(*context));
    context->ContextFlags = CONTEXT_CONTROL;
#if defined(__aarch64__)
    context->Pc = (uintptr_t)pc;
    context->Sp = (uintptr_t)sp;
#else
    context->Rip = (uintptr_t)pc;
    context->Rsp = (uintptr_t)sp;
#endif
}

NOINLINE void RaiseException(DWORD code, DWORD flags, DWORD count, const ULONG_PTR *arguments)
{
    bool give_up = false;
    CONTEXT context;
    EXCEPTION_RECORD record = { .ExceptionCode = code,
                                .ExceptionFlags = flags & EXCEPTION_NONCONTINUABLE,
                                .ExceptionAddress = __builtin_return_address(0) };
    if (arguments != NULL) {
        record.NumberParameters =
            count < EXCEPTION_MAXIMUM_PARAMETERS ? count : EXCEPTION_MAXIMUM_PARAMETERS;
        memcpy(record.ExceptionInformation, arguments,
               record.NumberParameters * sizeof(arguments[0]));
    }
    context_of_call(&context, __builtin_return_address(0), __builtin_frame_address(0));
    if (exception_dispatch(&record, &context, &give_up))
        return;
    if (!give_up)
        exception_message(&record);
    abort();
}

/* ---- faults -----------------------------------------------------------------------------------*/

static const DWORD codes[] = {
    [OS_TRAP_ACCESS] = STATUS_ACCESS_VIOLATION,
    [OS_TRAP_GUARD] = STATUS_GUARD_PAGE_VIOLATION,
    [OS_TRAP_STACK] = STATUS_STACK_OVERFLOW,
    [OS_TRAP_PAGE_ERROR] = STATUS_IN_PAGE_ERROR,
    [OS_TRAP_MISALIGNED] = STATUS_DATATYPE_MISALIGNMENT,
    [OS_TRAP_ILLEGAL] = STATUS_ILLEGAL_INSTRUCTION,
    [OS_TRAP_PRIVILEGED] = STATUS_PRIVILEGED_INSTRUCTION,
    [OS_TRAP_INTEGER_DIVIDE] = STATUS_INTEGER_DIVIDE_BY_ZERO,
    [OS_TRAP_INTEGER_OVERFLOW] = STATUS_INTEGER_OVERFLOW,
    [OS_TRAP_FLOAT_DIVIDE] = STATUS_FLOAT_DIVIDE_BY_ZERO,
    [OS_TRAP_FLOAT_OVERFLOW] = STATUS_FLOAT_OVERFLOW,
    [OS_TRAP_FLOAT_UNDERFLOW] = STATUS_FLOAT_UNDERFLOW,
    [OS_TRAP_FLOAT_INEXACT] = STATUS_FLOAT_INEXACT_RESULT,
    [OS_TRAP_FLOAT_INVALID] = STATUS_FLOAT_INVALID_OPERATION,
    [OS_TRAP_BOUNDS] = STATUS_ARRAY_BOUNDS_EXCEEDED,
};

static void record_of_trap(EXCEPTION_RECORD *record, const struct host_trap *trap)
{
    static const ULONG_PTR accesses[] = {
        [OS_ACCESS_READ] = 0, [OS_ACCESS_WRITE] = 1, [OS_ACCESS_EXECUTE] = 8
    };
    memset(record, 0, sizeof(*record));
    record->ExceptionCode = codes[trap->kind];
    record->ExceptionAddress = (PVOID)(uintptr_t)trap->registers.pc;
    if (trap->kind > OS_TRAP_PAGE_ERROR)
        return;
    record->NumberParameters = trap->kind == OS_TRAP_PAGE_ERROR ? 3 : 2;
    record->ExceptionInformation[0] = accesses[trap->access];
    record->ExceptionInformation[1] = trap->address;
    record->ExceptionInformation[2] = trap->kind == OS_TRAP_PAGE_ERROR ? STATUS_END_OF_FILE : 0;
}

/* Both ways: the registers of a context, in the order of host_registers. */
#if defined(__aarch64__)
static void exchange(CONTEXT *context, struct host_registers *registers, bool out)
{
    if (out) {
        context->Pc = registers->pc;
        context->Sp = registers->sp;
        context->Cpsr = (DWORD)registers->flags;
        memcpy(context->X, registers->general, sizeof(context->X));
    } else {
        registers->pc = context->Pc;
        registers->sp = context->Sp;
        registers->flags = context->Cpsr;
        memcpy(registers->general, context->X, sizeof(context->X));
    }
}
#else
static void exchange(CONTEXT *context, struct host_registers *registers, bool out)
{
    DWORD64 *const fields[] = { &context->Rax, &context->Rcx, &context->Rdx, &context->Rbx,
                                &context->Rbp, &context->Rsi, &context->Rdi, &context->R8,
                                &context->R9,  &context->R10, &context->R11, &context->R12,
                                &context->R13, &context->R14, &context->R15 };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (out)
            *fields[i] = registers->general[i];
        else
            registers->general[i] = *fields[i];
    }
    if (out) {
        context->Rip = registers->pc;
        context->Rsp = registers->sp;
        context->EFlags = (DWORD)registers->flags;
    } else {
        registers->pc = context->Rip;
        registers->sp = context->Rsp;
        registers->flags = context->EFlags;
    }
}
#endif

static bool answer_trap(struct host_trap *trap)
{
    EXCEPTION_RECORD record;
    CONTEXT context;
    if (exceptions.blocks == NULL && !vectored_are_any() && last_filter == NULL)
        return false;
    record_of_trap(&record, trap);
    memset(&context, 0, sizeof(context));
    context.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER;
    exchange(&context, &trap->registers, true);
    if (!exception_dispatch(&record, &context, &trap->give_up))
        return false;
    exchange(&context, &trap->registers, false);
    return true;
}

static void last_words(const struct host_trap *trap)
{
    EXCEPTION_RECORD record;
    record_of_trap(&record, trap);
    exception_message(&record);
}

/* A signal handler may have interrupted a thread that holds the lock: the next block tries again.
 */
void exception_needed(void)
{
    if (face_is_inside())
        return;
    win32_lock();
    fault_handler_needed();
    host_trap_handler(answer_trap, last_words);
    win32_unlock();
    exception_is_ready = true;
}

/* ---- nobody -----------------------------------------------------------------------------------*/

static const char *name_of(DWORD code)
{
    switch (code) {
    case STATUS_ACCESS_VIOLATION:
        return ", access violation";
    case STATUS_GUARD_PAGE_VIOLATION:
        return ", guard page";
    case STATUS_STACK_OVERFLOW:
        return ", stack overflow";
    case STATUS_NO_MEMORY:
        return ", no memory";
    case STATUS_NONCONTINUABLE_EXCEPTION:
        return ", continued after a noncontinuable one";
    case STATUS_INTEGER_DIVIDE_BY_ZERO:
        return ", integer divided by zero";
    default:
        return "";
    }
}

void exception_message(const EXCEPTION_RECORD *record)
{
    char parameters[160] = "";
    size_t length = 0;
    for (DWORD i = 0; i < record->NumberParameters && length < sizeof(parameters) - 20; i++)
        length += (size_t)snprintf(parameters + length, sizeof(parameters) - length, "%s%#" PRIxPTR,
                                   i == 0 ? ", parameters " : " ", record->ExceptionInformation[i]);
    message("unhandled exception 0x%08X%s, at %p%s", record->ExceptionCode,
            name_of(record->ExceptionCode), record->ExceptionAddress, parameters);
}

LPTOP_LEVEL_EXCEPTION_FILTER SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter)
{
    exception_needed();
    return atomic_exchange(&last_filter, filter);
}

LONG UnhandledExceptionFilter(PEXCEPTION_POINTERS pointers)
{
    LPTOP_LEVEL_EXCEPTION_FILTER filter = last_filter;
    LONG answer = filter != NULL ? filter(pointers) : EXCEPTION_CONTINUE_SEARCH;
    if (answer != EXCEPTION_CONTINUE_SEARCH)
        return answer;
    exception_message(pointers->ExceptionRecord);
    return EXCEPTION_EXECUTE_HANDLER;
}
