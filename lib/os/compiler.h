/* SPDX-License-Identifier: MIT */
/* compiler.h: the few things that the compiler must be told and C11 has no word for. Everything
 * outside lib/os is C11 and these names, so that gcc, clang, clang-cl and MSVC can compile it. */
#ifndef BARROW_OS_COMPILER_H
#define BARROW_OS_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

#if defined(_MSC_VER) && !defined(__clang__)

#include <intrin.h>

#define likely(x)     (x)
#define unlikely(x)   (x)
#define ALWAYS_INLINE static __forceinline
#define NOINLINE      __declspec(noinline)
#define COLD          __declspec(noinline)
#define MAY_ALIAS
#define RETURN_ADDRESS() _ReturnAddress()
#define ALIGNED(n)       __declspec(align(n)) /* of a struct, between the word and its tag */
#define PRINTF(f, a)

#else

#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE    static inline __attribute__((always_inline))
#define NOINLINE         __attribute__((noinline))
#define COLD             __attribute__((cold, noinline))
#define MAY_ALIAS        __attribute__((may_alias))
#define RETURN_ADDRESS() __builtin_return_address(0)
#define ALIGNED(n)       __attribute__((aligned(n)))
#if defined(__MINGW32__) && !defined(__clang__)
#define PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

#endif

/* The variable's value is not known to be what was computed: it stays in its register. */
#if defined(_MSC_VER) && !defined(__clang__)
#define HIDE_VALUE(variable) ((void)0)
#else
#define HIDE_VALUE(variable) __asm__("" : "+r"(variable))
#endif

/* Before a loop of a few instructions that goes over many blocks. */
#if defined(_MSC_VER) && !defined(__clang__)
#define UNROLLED
#elif defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll_count(4)")
#else
#define UNROLLED _Pragma("GCC unroll 4")
#endif

/* Public functions are so declared in the public headers; here for those that are defined alone.
 * HIDDEN: a variable of the library, reached without a look-up. */
#if !defined(_WIN32)
#define EXPORT __attribute__((visibility("default")))
#define HIDDEN __attribute__((visibility("hidden")))
#else
#define HIDDEN
#if defined(BARROW_BUILD_SHARED)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif
#endif

#if !defined(_WIN32)
/* The library sits under malloc and may be used before relocation of others is done and after
 * their destructors: its thread-local words must need no call to be reached. For code that is not
 * built on Windows; all other thread-local words are in thread_words.h. */
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
#endif

/* A function that is called when the library has been loaded, or before it goes. */
#if defined(_MSC_VER) && !defined(__clang__)
#pragma section(".CRT$XCU", read)
#pragma section(".CRT$XTU", read)
#define AT_LOAD(function)                                                                          \
    __declspec(allocate(".CRT$XCU")) void (*at_load_##function)(void) = function
#define AT_END(function) __declspec(allocate(".CRT$XTU")) void (*at_end_##function)(void) = function
#else
#define AT_LOAD(function)                                                                          \
    __attribute__((constructor)) static void at_load_##function(void)                              \
    {                                                                                              \
        function();                                                                                \
    }
#define AT_END(function)                                                                           \
    __attribute__((destructor)) static void at_end_##function(void)                                \
    {                                                                                              \
        function();                                                                                \
    }
#endif

/* Atomic access to a word that is not declared atomic, since mostly it need not be. */
#if defined(_MSC_VER) && !defined(__clang__)
#define LOAD_RELAXED(word)         (*(volatile __typeof__(*(word)) *)(word))
#define STORE_RELAXED(word, value) ((void)(*(volatile __typeof__(*(word)) *)(word) = (value)))
#define STORE_RELEASE(word, value) STORE_RELAXED(word, value) /* with /volatile:ms */
#else
#define LOAD_RELAXED(word)         __atomic_load_n(word, __ATOMIC_RELAXED)
#define STORE_RELAXED(word, value) __atomic_store_n(word, value, __ATOMIC_RELAXED)
#define STORE_RELEASE(word, value) __atomic_store_n(word, value, __ATOMIC_RELEASE)
#endif

/* A read of a plain word that another thread may be writing, where any value that it ever had will
 * do. On all our platforms the plain load is one access, and unlike an atomic one it may be part of
 * another instruction; for the sanitizer it is an atomic one. */
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

#if defined(_MSC_VER) && !defined(__clang__)
#define READS_RACY  __declspec(noinline)
#define READS_STALE __declspec(noinline)
#else
/* A function that reads what the program or a fast path may be writing, and takes either value; and
 * one that reads a part of the stack which may have other uses by now. */
#define READS_RACY  __attribute__((no_sanitize("thread"), noinline))
#define READS_STALE __attribute__((no_sanitize("address"), no_sanitize("thread"), noinline))
#endif

/* ASSERT(x): a contract. Checked in Debug and sanitizer builds; no code in release builds. */
#if BARROW_DEBUG
#define ASSERT(x) ((x) ? (void)0 : os_assertion_failed(#x, __FILE__, __LINE__))
_Noreturn void os_assertion_failed(const char *what, const char *file, int line);
#else
#define ASSERT(x) ((void)0)
#endif

/* The number of the highest and of the lowest bit set; n is not 0. */
ALWAYS_INLINE unsigned highest_bit(uint64_t n)
{
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long bit;
    _BitScanReverse64(&bit, n);
    return bit;
#else
    return 63u ^ (unsigned)__builtin_clzll(n);
#endif
}

ALWAYS_INLINE unsigned lowest_bit(uint64_t n)
{
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long bit;
    _BitScanForward64(&bit, n);
    return bit;
#else
    return (unsigned)__builtin_ctzll(n);
#endif
}

ALWAYS_INLINE unsigned bits_set(uint64_t n)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return (unsigned)__popcnt64(n);
#else
    return (unsigned)__builtin_popcountll(n);
#endif
}

/* True when the product or sum does not fit; *result is then of no use. */
ALWAYS_INLINE bool product_overflows(size_t a, size_t b, size_t *result)
{
#if defined(_MSC_VER) && !defined(__clang__)
    uint64_t high;
    *result = _umul128(a, b, &high);
    return high != 0;
#else
    return __builtin_mul_overflow(a, b, result);
#endif
}

ALWAYS_INLINE size_t round_up(size_t n, size_t unit) /* unit is a power of two */
{
    return (n + unit - 1) & ~(unit - 1);
}

ALWAYS_INLINE bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

#endif
