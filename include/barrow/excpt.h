/* SPDX-License-Identifier: MIT */
/* excpt.h: blocks that catch exceptions, and the functions that only mean something in them.
 *
 *     BARROW_TRY                                       BARROW_TRY
 *     {                                                {
 *         body                                             body
 *     }                                                }
 *     BARROW_EXCEPT (filter)                           BARROW_FINALLY
 *     {                                                {
 *         handler                                          always runs
 *     }                                                }
 *
 * <windows.h> also calls them __try, __except, __finally and __leave. The filter is evaluated where
 * Windows does it: while the code that raised is still on the stack. It answers
 * EXCEPTION_CONTINUE_EXECUTION (go on there, for a fault: do the access again),
 * EXCEPTION_CONTINUE_SEARCH (ask the next block outward) or EXCEPTION_EXECUTE_HANDLER. A body may
 * be left by return, break, continue, goto and BARROW_LEAVE, but not by longjmp. Local variables
 * that the body changes and that are read after an exception must be volatile, as with setjmp.
 *
 * How it works and how it differs from Windows: lib/win32/README.md. */
#ifndef BARROW_EXCPT_H
#define BARROW_EXCPT_H
/* Names of the macros' own that shadow each other when blocks are nested are no matter for the
 * program's warnings. */
#pragma GCC system_header

#include "winnt.h"

#define EXCEPTION_EXECUTE_HANDLER    1
#define EXCEPTION_CONTINUE_SEARCH    0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

typedef enum _EXCEPTION_DISPOSITION {
    ExceptionContinueExecution,
    ExceptionContinueSearch,
    ExceptionNestedException,
    ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

#ifdef __cplusplus
extern "C" {
#endif

/* From here to "the words" all is the macros' own. */

enum barrow_phase {
    BARROW_PHASE_BODY,      /* nothing has happened */
    BARROW_PHASE_DONE,      /* the body has ended */
    BARROW_PHASE_ASK,       /* evaluate the filter */
    BARROW_PHASE_HANDLE,    /* execute the handler */
    BARROW_PHASE_INTRODUCE, /* say what follows the body, then execute it */
    BARROW_PHASE_NEVER
};

struct barrow_caught {
    int is_set;
    DWORD code;
};

/* What a function keeps for its caller; see lib/win32/host/host_jump.h. */
#ifdef __aarch64__
#define BARROW_PLACE_WORDS 22
#else
#define BARROW_PLACE_WORDS 8
#endif

struct barrow_try {
    void *place[BARROW_PLACE_WORDS]; /* of barrow_try_begin's return; at offset 0 */
    void *final[BARROW_PLACE_WORDS]; /* of barrow_finally_begin's, if is_finally */
    struct barrow_try *outer;        /* of the same thread */
    void *dispatch, *errand;         /* see lib/win32/exception.h */
    void *function; /* frame of the function that it is in, and which block there */
    uintptr_t key;
    struct barrow_caught *caught;   /* C++: where the code goes */
    LONG (*filter)(void *captured); /* C++ */
    void *captured;
    uintptr_t mark;
    volatile int phase;
    int is_finally;
#ifdef __cplusplus
    unsigned char captures[256] __attribute__((aligned(16))); /* the filter, a copy */
#endif
};

struct barrow_finally {
    void *errand; /* that the block is executed for, NULL after the body's normal end */
    int rounds;
};

BARROW_API int barrow_try_begin(struct barrow_try *block) __attribute__((returns_twice));
BARROW_API void barrow_try_end(struct barrow_try *block) __attribute__((returns_twice));
BARROW_API void barrow_try_body(struct barrow_try *block) __attribute__((noreturn));
BARROW_API void barrow_try_answer(struct barrow_try *block, LONG answer) __attribute__((noreturn));
BARROW_API void barrow_try_never(void *memory);
BARROW_API void *barrow_finally_begin(void *function, uintptr_t key) __attribute__((returns_twice));
BARROW_API struct barrow_finally barrow_finally_start(void *errand);
BARROW_API int barrow_finally_more(struct barrow_finally *block);
BARROW_API void barrow_finally_end(struct barrow_finally *block);
BARROW_API DWORD barrow_exception_code(void *function, uintptr_t key);
BARROW_API DWORD barrow_exception_caught(const struct barrow_caught *caught);
BARROW_API PEXCEPTION_POINTERS barrow_exception_information(void);

#ifdef __cplusplus
}
#endif

/* The filter is a function that knows the local variables: a lambda in C++, a nested function with
 * gcc in C. With clang in C it is evaluated in place. */
#ifdef __cplusplus

template <class Filter> void barrow_try_introduce(struct barrow_try &block, const Filter &filter)
{
    static_assert(sizeof(filter) <= sizeof(block.captures), "a filter may name 32 local variables");
    __builtin_memcpy(block.captures, &filter, sizeof(filter));
    block.captured = block.captures;
    block.filter = [](void *of) -> LONG { return (*static_cast<Filter *>(of))(); };
}

struct barrow_caught_cxx : barrow_caught {
    constexpr barrow_caught_cxx() : barrow_caught() {}
    explicit operator bool() const
    {
        return false;
    }
};

static const barrow_caught_cxx barrow_now __attribute__((unused)); /* outside all blocks */

#define BARROW_TRY_KEY    reinterpret_cast<uintptr_t>(&barrow_now)
#define BARROW_TRY_CAUGHT &barrow_now
#define BARROW_TRY_OPEN                                                                            \
    if (barrow_caught_cxx barrow_now{}) {} else if (
#define BARROW_TRY_FILTER(...)                                                                     \
    else if (barrow_block.phase == BARROW_PHASE_INTRODUCE)                                         \
    {                                                                                              \
        barrow_try_introduce(barrow_block, [&]() -> LONG { return (__VA_ARGS__); });               \
        barrow_try_body(&barrow_block);                                                            \
    }
#define GetExceptionCode() barrow_exception_caught(&barrow_now)

#else

/* Which block of a function the handler in whose scope this is used belongs to. */
enum { barrow_try_id = 0 };

#define BARROW_TRY_KEY    ((uintptr_t)barrow_try_id)
#define BARROW_TRY_CAUGHT ((struct barrow_caught *)0)
#define BARROW_TRY_OPEN   if ((__extension__(enum { barrow_try_id = __COUNTER__ + 1 })0) ||
#define BARROW_TRY_FILTER(...)                                                                     \
    else if (barrow_block.phase == BARROW_PHASE_INTRODUCE) barrow_try_body(&barrow_block);         \
    else if (barrow_block.phase == BARROW_PHASE_ASK)                                               \
    {                                                                                              \
        BARROW_TRY_ANSWER(__VA_ARGS__)                                                             \
    }
#ifdef __clang__
#define BARROW_TRY_ANSWER(...) barrow_try_answer(&barrow_block, (__VA_ARGS__));
#else
#define BARROW_TRY_ANSWER(...)                                                                     \
    __attribute__((noipa)) LONG barrow_filter(void)                                                \
    {                                                                                              \
        return (__VA_ARGS__);                                                                      \
    }                                                                                              \
    barrow_try_answer(&barrow_block, barrow_filter());
#endif
#define GetExceptionCode() barrow_exception_code(__builtin_frame_address(0), BARROW_TRY_KEY)

#endif

/* The alloca, never executed, has the compiler address local variables by the frame pointer: so the
 * stack pointer may be below the code that raised while a filter runs in place. */
#define BARROW_TRY_BODY_ENDS                                                                       \
    barrow_leave:                                                                                  \
    __attribute__((unused));                                                                       \
    if (barrow_block.phase == BARROW_PHASE_BODY)                                                   \
        barrow_block.phase = BARROW_PHASE_DONE;                                                    \
    else if (barrow_block.phase == BARROW_PHASE_NEVER)                                             \
        barrow_try_never(__builtin_alloca((size_t)barrow_block.phase));

/* The words. */

#define BARROW_TRY                                                                                 \
    BARROW_TRY_OPEN __extension__({                                                                \
        __label__ barrow_leave;                                                                    \
        struct barrow_try barrow_block __attribute__((cleanup(barrow_try_end)));                     \
        barrow_block.phase = BARROW_PHASE_INTRODUCE;                                                     \
        barrow_block.function = __builtin_frame_address(0);                                        \
        barrow_block.key = BARROW_TRY_KEY;                                                         \
        barrow_block.caught = BARROW_TRY_CAUGHT;                                                   \
        if (barrow_try_begin(&barrow_block) == BARROW_PHASE_BODY)

#define BARROW_EXCEPT(...)                                                                         \
    BARROW_TRY_BODY_ENDS                                                                           \
    BARROW_TRY_FILTER(__VA_ARGS__)                                                                 \
    barrow_block.phase != BARROW_PHASE_HANDLE;                                                     \
    }))                                                                                            \
    {                                                                                              \
    }                                                                                              \
    else

#define BARROW_FINALLY                                                                             \
    BARROW_TRY_BODY_ENDS                                                                           \
    0;                                                                                             \
    }))                                                                                            \
    {                                                                                              \
    }                                                                                              \
    else for (struct barrow_finally barrow_final __attribute__((cleanup(barrow_finally_end))) =    \
                  barrow_finally_start(                                                            \
                      barrow_finally_begin(__builtin_frame_address(0), BARROW_TRY_KEY));           \
              barrow_finally_more(&barrow_final);)

/* In a body: goes to its end, which counts as its normal end. */
#define BARROW_LEAVE goto barrow_leave

/* In a filter or handler: the exception's code. */
#define _exception_code GetExceptionCode

/* In a filter: the exception's record and context, which are gone when the handler is executed. */
#define GetExceptionInformation barrow_exception_information
#define _exception_info         GetExceptionInformation

/* In a final block: nonzero unless the body came to its end or was left by BARROW_LEAVE. */
#define AbnormalTermination()   (barrow_final.errand != 0)
#define _abnormal_termination() AbnormalTermination()

#endif
