/* SPDX-License-Identifier: MIT */
/* exception_block.c: the blocks of <barrow/excpt.h>: the list of those a thread is in, the search
 * through them, and the way out.
 *
 * What follows a body is known before the body is executed, because barrow_try_begin
 * first returns with the phase INTRODUCE: a filter of C++ leaves itself as a function; a
 * final block leaves the place where it begins, outside the block's scope, so that going there
 * disturbs nothing of the way out on which the body may be. barrow_try_body then has
 * barrow_try_begin return anew, for the body; so it does for ASK, when a filter of C is to be
 * evaluated, and for HANDLE. */
#include "win32/exception/exception.h"

#include <string.h>

_Static_assert(sizeof(((struct barrow_try *)0)->place) == sizeof(struct host_jump) &&
                   offsetof(struct barrow_try, place) == 0,
               "barrow_try_begin keeps its caller's place there");

THREAD_LOCAL struct thread_exceptions exceptions;

static uintptr_t mark_of(const struct barrow_try *block)
{
    return (uintptr_t)block ^ 0x7279656C62617272u;
}

static const struct host_jump *place_of(const struct barrow_try *block)
{
    return (const struct host_jump *)block->place;
}

/* ---- the body ---------------------------------------------------------------------------------*/

/* The same block may have had an exception before, in a loop. */
static void forget_handled(const struct barrow_try *block)
{
    for (unsigned i = 0; i < HANDLED && i < exceptions.handled_count; i++) {
        struct handled *old = &exceptions.handled[i];
        if (old->function == block->function && old->key == block->key)
            old->function = NULL;
    }
}

int barrow_try_push(struct barrow_try *block)
{
    if (!exception_is_ready)
        exception_needed();
    if (exceptions.handled_count != 0 && block->caught == NULL)
        forget_handled(block);
    block->dispatch = exceptions.dispatch;
    block->errand = NULL;
    block->filter = NULL;
    block->is_finally = 0;
    block->mark = mark_of(block);
    block->outer = exceptions.blocks;
    exceptions.blocks = block;
    return block->phase;
}

void barrow_try_body(struct barrow_try *block)
{
    block->phase = BARROW_PHASE_BODY;
    host_jump_to(place_of(block), BARROW_PHASE_BODY);
}

/* Leaves the list, and with it blocks further in, if a longjmp has left any. */
static void take_off(struct barrow_try *block)
{
    struct barrow_try *at = exceptions.blocks;
    while (at != NULL && at != block)
        at = at->outer;
    if (at != NULL)
        exceptions.blocks = block->outer;
    block->mark = 0;
}

/* ---- errands ----------------------------------------------------------------------------------*/

static LONG ask_in_place(struct barrow_try *block)
{
    struct errand errand = { .before = block->errand };
    int before = block->phase;
    block->errand = &errand;
    block->phase = BARROW_PHASE_ASK;
    LONG answer = (LONG)host_jump_across(place_of(block), &errand.back, BARROW_PHASE_ASK);
    block->phase = before;
    block->errand = errand.before;
    return answer;
}

void barrow_try_answer(struct barrow_try *block, LONG answer)
{
    struct errand *errand = block->errand;
    host_jump_to(&errand->back, answer);
}

/* The block has left the list, and its memory may be used by the final block. */
static void execute_final(struct barrow_try *block)
{
    struct errand errand = { .dispatch = block->dispatch };
    host_jump_across((const struct host_jump *)block->final, &errand.back, (long)&errand);
}

void barrow_try_never(void *memory)
{
    (void)memory;
}

/* ---- the search -------------------------------------------------------------------------------*/

static LONG ask_function(struct barrow_try *block, DWORD code)
{
    struct barrow_caught before = *block->caught;
    *block->caught = (struct barrow_caught){ 1, code };
    LONG answer = block->filter(block->captured);
    *block->caught = before;
    return answer;
}

static LONG ask(struct barrow_try *block, DWORD code)
{
    if (block->filter != NULL)
        return ask_function(block, code);
    return block->is_finally ? EXCEPTION_CONTINUE_SEARCH : ask_in_place(block);
}

static void note_code(const struct barrow_try *block, DWORD code)
{
    if (block->caught != NULL)
        *block->caught = (struct barrow_caught){ 1, code };
    else
        exceptions.handled[exceptions.handled_count++ % HANDLED] =
            (struct handled){ block->function, block->key, code };
}

/* Final blocks further in are executed, innermost first, each when its own block has left the
 * list. */
static _Noreturn void unwind_to(struct barrow_try *block, DWORD code)
{
    while (exceptions.blocks != block) {
        struct barrow_try *inner = exceptions.blocks;
        take_off(inner);
        if (inner->is_finally)
            execute_final(inner);
    }
    take_off(block);
    note_code(block, code);
    exceptions.dispatch = block->dispatch;
    block->phase = BARROW_PHASE_HANDLE;
    host_jump_to(place_of(block), BARROW_PHASE_HANDLE);
}

bool blocks_ask(const EXCEPTION_POINTERS *pointers)
{
    DWORD code = pointers->ExceptionRecord->ExceptionCode;
    for (struct barrow_try *at = exceptions.blocks; at != NULL; at = at->outer) {
        if (at->mark != mark_of(at))
            exception_fatal("a __try block was left by longjmp", (uintptr_t)at);
        LONG answer = ask(at, code);
        if (answer < 0)
            return true;
        if (answer > 0)
            unwind_to(at, code);
    }
    return false;
}

/* ---- the end ----------------------------------------------------------------------------------*/

void barrow_try_end(struct barrow_try *block)
{
    switch (block->phase) {
    case BARROW_PHASE_INTRODUCE:
        block->errand = exceptions.introduced;
        exceptions.introduced = block;
        return;
    case BARROW_PHASE_HANDLE:
        return;
    default:
        take_off(block);
        exceptions.dispatch = block->dispatch;
    }
    /* return, break, continue, goto or a C++ exception */
    if (block->phase == BARROW_PHASE_BODY && block->is_finally)
        execute_final(block);
}

/* Called before anything of barrow_final is written, whose memory may be the block's: the block's
 * scope has been left, and is now entered again. */
void *barrow_finally_push(void *function, uintptr_t key, const struct host_jump *place)
{
    struct barrow_try *block = exceptions.introduced;
    if (block != NULL)
        host_jump_may_use(block, sizeof(*block));
    if (block == NULL || block->function != function || block->key != key)
        return NULL; /* the body has ended */
    exceptions.introduced = block->errand;
    block->errand = NULL;
    block->is_finally = 1;
    memcpy(block->final, place, sizeof(block->final));
    barrow_try_body(block);
}

struct barrow_finally barrow_finally_start(void *errand)
{
    return (struct barrow_finally){ errand, 0 };
}

int barrow_finally_more(struct barrow_finally *block)
{
    struct errand *errand = block->errand;
    if (block->rounds++ == 0)
        return 1;
    if (errand != NULL)
        host_jump_to(&errand->back, 0);
    return 0;
}

/* The final block was left before its end: what it was executed for is over. */
void barrow_finally_end(struct barrow_finally *block)
{
    struct errand *errand = block->errand;
    if (block->rounds == 1 && errand != NULL)
        exceptions.dispatch = errand->dispatch;
}

/* ---- the code ---------------------------------------------------------------------------------*/

static DWORD code_being_asked_about(void)
{
    const struct dispatch *dispatch = exceptions.dispatch;
    return dispatch != NULL ? dispatch->pointers->ExceptionRecord->ExceptionCode : 0;
}

DWORD barrow_exception_code(void *function, uintptr_t key)
{
    unsigned count = exceptions.handled_count;
    for (unsigned i = 1; i <= HANDLED && i <= count; i++) {
        const struct handled *handled = &exceptions.handled[(count - i) % HANDLED];
        if (handled->function == function && handled->key == key)
            return handled->code;
    }
    return code_being_asked_about();
}

DWORD barrow_exception_caught(const struct barrow_caught *caught)
{
    return caught->is_set ? caught->code : code_being_asked_about();
}

PEXCEPTION_POINTERS barrow_exception_information(void)
{
    return exceptions.dispatch != NULL ? exceptions.dispatch->pointers : NULL;
}
