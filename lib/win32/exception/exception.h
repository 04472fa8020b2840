/* SPDX-License-Identifier: MIT */
/* exception.h: what the files of structured exceptions share: who is asked (exception.c), vectored
 * handlers (exception_handlers.c), blocks (exception_block.c, exception_begin.c).
 *
 * An exception is a call of exception_dispatch, on the stack of the code that raised it: from
 * RaiseException, or from the signal handler that the fault called. To go on is to return. To
 * execute a handler is to jump to its block, past everything in between, after the final blocks
 * there.
 *
 * Filters of C++ are functions. Those of C, and final blocks, are code in the middle of a function
 * that is still active: an errand goes there, on the stack below the dispatching, and comes back.
 *
 * Nothing here allocates but the adding of a vectored handler, and no lock is held while code of
 * the program runs. */
#ifndef BARROW_WIN32_EXCEPTION_EXCEPTION_H
#define BARROW_WIN32_EXCEPTION_EXCEPTION_H

#include "barrow/errhandlingapi.h"
#include "win32/host/host_jump.h"
#include "win32/host/host_trap.h"
#include "win32/host/internal.h"

/* An exception about which somebody is being asked. Those that were raised meanwhile, by a filter
 * or handler, are inside it. */
struct dispatch {
    struct dispatch *outer;
    EXCEPTION_POINTERS *pointers;
    uintptr_t depth;
    uintptr_t
        mark; /* of all that others read, so that what was left and written over is not used */
};

/* A visit to a function further out: to evaluate its filter or to execute its final block. */
struct errand {
    struct host_jump back;
    struct errand *before;     /* of the same block */
    struct dispatch *dispatch; /* what the thread is back in if a final block is left by a jump */
};

/* The code that a handler asks for, by its function and its block there. Those of the
 * last handlers of a thread are kept: more are rarely active at once. */
enum { HANDLED = 16 };

struct handled {
    void *function;
    uintptr_t key;
    DWORD code;
};

struct thread_exceptions {
    struct barrow_try *blocks;     /* innermost first */
    struct dispatch *dispatch;     /* innermost */
    struct barrow_try *introduced; /* its barrow_finally_begin comes next */
    struct handled handled[HANDLED];
    unsigned handled_count; /* all there were */
};

extern THREAD_LOCAL struct thread_exceptions exceptions;

/* Has faults become exceptions, from the first call on, and each later one makes sure that the
 * program's own signal handlers come after ours. */
void exception_needed(void);
extern _Atomic bool exception_is_ready;

/* Whether somebody has an answer: true to go on where it was raised. Does not return if a handler
 * is executed. False: nobody; *give_up when the filter for unhandled exceptions has seen to it. */
bool exception_dispatch(EXCEPTION_RECORD *record, CONTEXT *context, bool *give_up);

/* Asks the blocks of the thread, innermost first. True: go on. */
bool blocks_ask(const EXCEPTION_POINTERS *pointers);

enum vectored { VECTORED_EXCEPTION, VECTORED_CONTINUE };

/* Asks the handlers of the list. True: one of them said to go on. */
bool vectored_ask(enum vectored list, EXCEPTION_POINTERS *pointers);
bool vectored_are_any(void);
void vectored_fork_child(void);

/* The C parts of barrow_try_begin and barrow_finally_begin (exception_begin.c), whose results they return. */
int barrow_try_push(struct barrow_try *block);
void *barrow_finally_push(void *function, uintptr_t key, const struct host_jump *place);

/* The line for an exception that nobody handles. */
void exception_message(const EXCEPTION_RECORD *record);

/* For what only a mistake of the program can bring about. */
_Noreturn void exception_fatal(const char *text, uintptr_t detail);

#endif
