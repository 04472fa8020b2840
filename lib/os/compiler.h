/* SPDX-License-Identifier: MIT */
/* compiler.h: the few things that the compiler must be told and C11 has no word for. */
#ifndef BARROW_OS_COMPILER_H
#define BARROW_OS_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#define COLD          __attribute__((cold, noinline))
#define CACHE_LINE    64
#define ALIGNED(n)    __attribute__((aligned(n)))
#define PRINTF(f, a)  __attribute__((format(printf, f, a)))
/* A read of a plain word that another thread may be writing, where any value that it ever had will
 * do. On all our platforms the plain load is one access, and unlike an atomic one it may be part of
 * another instruction; the sanitizer is told the truth. */
#if defined(__SANITIZE_THREAD__)
#define READ_RACY(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define READ_RACY(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#endif
#endif
#ifndef READ_RACY
#define READ_RACY(x) (x)
#endif

/* A variable of the library: reached without a look-up. */
#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

/* The library sits under malloc and may be used before relocation of others is done and after
 * their destructors: its thread-local words must need no call to be reached. */
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

/* assume(x): an invariant. Checked in debug builds; in release builds it costs nothing. */
#if BARROW_DEBUG
#define assume(x) ((x) ? (void)0 : os_assumption_failed(#x, __FILE__, __LINE__))
_Noreturn void os_assumption_failed(const char *what, const char *file, int line);
#else
#define assume(x) ((void)0)
#endif

ALWAYS_INLINE size_t round_up(size_t n, size_t unit) /* unit is a power of two */
{
    return (n + unit - 1) & ~(unit - 1);
}

ALWAYS_INLINE bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

#endif
