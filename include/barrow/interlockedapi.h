/* SPDX-License-Identifier: MIT */
/* interlockedapi.h: atomic operations on plain variables, and lists that are linked by them.
 *
 * Each operation is one sequentially consistent access, as on Windows; the forms Acquire, Release
 * and NoFence are as strong as their names say. None can fail, and none changes the last error. Any
 * thread may call them, and so may a signal handler, except for the functions on lists. Variables
 * must be aligned to their size. The operations are inline functions; they add no symbols. */
#ifndef BARROW_INTERLOCKEDAPI_H
#define BARROW_INTERLOCKEDAPI_H

#include "winnt.h"

/* Defines one operation in its four strengths. */
#define BARROW_ATOMIC(result, name, parameters, ...)                                               \
    static inline result barrow_##name parameters                                                  \
    {                                                                                              \
        enum { order = __ATOMIC_SEQ_CST };                                                         \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    static inline result barrow_##name##Acquire parameters                                         \
    {                                                                                              \
        enum { order = __ATOMIC_ACQUIRE };                                                         \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    static inline result barrow_##name##Release parameters                                         \
    {                                                                                              \
        enum { order = __ATOMIC_RELEASE };                                                         \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    static inline result barrow_##name##NoFence parameters                                         \
    {                                                                                              \
        enum { order = __ATOMIC_RELAXED };                                                         \
        __VA_ARGS__                                                                                \
    }

/* Operations for one width. Exchange, ExchangeAdd, And, Or and Xor return the old value; Increment,
 * Decrement and Add return the new one. CompareExchange stores `value` if the variable equals
 * `expected`, and returns the old value: it stored if and only if that equals `expected`. */
#define BARROW_ATOMICS(type, width)                                                                \
    BARROW_ATOMIC(type, InterlockedIncrement##width, (type volatile * target),                     \
                  return __atomic_add_fetch(target, 1, order);)                                    \
    BARROW_ATOMIC(type, InterlockedDecrement##width, (type volatile * target),                     \
                  return __atomic_sub_fetch(target, 1, order);)                                    \
    BARROW_ATOMIC(type, InterlockedAdd##width, (type volatile * target, type value),               \
                  return __atomic_add_fetch(target, value, order);)                                \
    BARROW_ATOMIC(type, InterlockedExchange##width, (type volatile * target, type value),          \
                  return __atomic_exchange_n(target, value, order);)                               \
    BARROW_ATOMIC(type, InterlockedExchangeAdd##width, (type volatile * target, type value),       \
                  return __atomic_fetch_add(target, value, order);)                                \
    BARROW_ATOMIC(type, InterlockedAnd##width, (type volatile * target, type value),               \
                  return __atomic_fetch_and(target, value, order);)                                \
    BARROW_ATOMIC(type, InterlockedOr##width, (type volatile * target, type value),                \
                  return __atomic_fetch_or(target, value, order);)                                 \
    BARROW_ATOMIC(type, InterlockedXor##width, (type volatile * target, type value),               \
                  return __atomic_fetch_xor(target, value, order);)                                \
    BARROW_ATOMIC(                                                                                 \
        type, InterlockedCompareExchange##width,                                                   \
        (type volatile * target, type value, type expected),                                       \
        __atomic_compare_exchange_n(target, &expected, value, 0, order,                            \
                                    order == __ATOMIC_RELEASE ? __ATOMIC_RELAXED : order);         \
        return expected;)

BARROW_ATOMICS(LONG, )
BARROW_ATOMICS(LONG64, 64)
BARROW_ATOMICS(SHORT, 16)
BARROW_ATOMICS(char, 8)
BARROW_ATOMIC(PVOID, InterlockedExchangePointer, (PVOID volatile * target, PVOID value),
              return __atomic_exchange_n(target, value, order);)
BARROW_ATOMIC(PVOID, InterlockedCompareExchangePointer,
              (PVOID volatile * target, PVOID value, PVOID expected),
              __atomic_compare_exchange_n(target, &expected, value, 0, order,
                                          order == __ATOMIC_RELEASE ? __ATOMIC_RELAXED : order);
              return expected;)

/* Set, clear or flip one bit, and return what it was: 0 or 1. bit counts from the variable's lowest
 * and wraps at its width. */
#define BARROW_ATOMIC_BITS(type, width, unsigned_type)                                             \
    static inline BOOLEAN barrow_InterlockedBitTestAndSet##width(type volatile *target, type bit)  \
    {                                                                                              \
        unsigned_type mask = (unsigned_type)1 << ((unsigned_type)bit % (8 * sizeof(type)));        \
        return (__atomic_fetch_or((unsigned_type volatile *)target, mask, __ATOMIC_SEQ_CST) &      \
                mask) != 0;                                                                        \
    }                                                                                              \
    static inline BOOLEAN barrow_InterlockedBitTestAndReset##width(type volatile *target,          \
                                                                   type bit)                       \
    {                                                                                              \
        unsigned_type mask = (unsigned_type)1 << ((unsigned_type)bit % (8 * sizeof(type)));        \
        return (__atomic_fetch_and((unsigned_type volatile *)target, ~mask, __ATOMIC_SEQ_CST) &    \
                mask) != 0;                                                                        \
    }                                                                                              \
    static inline BOOLEAN barrow_InterlockedBitTestAndComplement##width(type volatile *target,     \
                                                                        type bit)                  \
    {                                                                                              \
        unsigned_type mask = (unsigned_type)1 << ((unsigned_type)bit % (8 * sizeof(type)));        \
        return (__atomic_fetch_xor((unsigned_type volatile *)target, mask, __ATOMIC_SEQ_CST) &     \
                mask) != 0;                                                                        \
    }

BARROW_ATOMIC_BITS(LONG, , ULONG)
BARROW_ATOMIC_BITS(LONG64, 64, ULONG64)

/* Compares the 16 bytes at target (aligned to 16) with those at expected. If they are equal, stores
 * the pair high, low and returns 1; else returns 0. *expected becomes the old contents. */
static inline BOOLEAN barrow_InterlockedCompareExchange128(LONG64 volatile *target, LONG64 high,
                                                           LONG64 low, LONG64 *expected)
{
#if defined(__x86_64__)
    BOOLEAN stored;
    __asm__ volatile("lock cmpxchg16b %1\n\tsete %0"
                     : "=q"(stored), "+m"(*(LONG64 volatile(*)[2])target), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(low), "c"(high)
                     : "cc", "memory");
    return stored;
#else
    LONG64 old_low, old_high;
    int failed;
    do {
        __asm__ volatile("ldaxp %0, %1, [%2]"
                         : "=&r"(old_low), "=&r"(old_high)
                         : "r"(target)
                         : "memory");
        int equal = old_low == expected[0] && old_high == expected[1];
        LONG64 new_low = equal ? low : old_low, new_high = equal ? high : old_high;
        __asm__ volatile("stlxp %w0, %1, %2, [%3]"
                         : "=&r"(failed)
                         : "r"(new_low), "r"(new_high), "r"(target)
                         : "memory");
        if (!failed && !equal) {
            expected[0] = old_low;
            expected[1] = old_high;
            return 0;
        }
    } while (failed);
    return 1;
#endif
}

/* Loads and stores of plain variables with the strength in their names. */
#define ReadAcquire(source)         __atomic_load_n(source, __ATOMIC_ACQUIRE)
#define ReadNoFence(source)         __atomic_load_n(source, __ATOMIC_RELAXED)
#define ReadRaw(source)             __atomic_load_n(source, __ATOMIC_RELAXED)
#define WriteRelease(target, value) __atomic_store_n(target, value, __ATOMIC_RELEASE)
#define WriteNoFence(target, value) __atomic_store_n(target, value, __ATOMIC_RELAXED)
#define WriteRaw(target, value)     __atomic_store_n(target, value, __ATOMIC_RELAXED)
#define ReadAcquire64               ReadAcquire
#define ReadNoFence64               ReadNoFence
#define WriteRelease64              WriteRelease
#define WriteNoFence64              WriteNoFence
#define ReadPointerAcquire          ReadAcquire
#define ReadPointerNoFence          ReadNoFence
#define WritePointerRelease         WriteRelease
#define WritePointerNoFence         WriteNoFence

/* A list to which any thread may add entries at the front, and take them from there. Entries and
 * the header are aligned to 16 bytes. */
typedef struct _SLIST_ENTRY {
    struct _SLIST_ENTRY *Next;
} __attribute__((aligned(16))) SLIST_ENTRY, *PSLIST_ENTRY;

typedef union _SLIST_HEADER {
    __extension__ struct {
        ULONGLONG Alignment; /* depth, a count of changes, and whether a thread is changing it */
        ULONGLONG Region;    /* the first entry */
    };
} __attribute__((aligned(16))) SLIST_HEADER, *PSLIST_HEADER;

#define InterlockedIncrement                     barrow_InterlockedIncrement
#define InterlockedIncrementAcquire              barrow_InterlockedIncrementAcquire
#define InterlockedIncrementRelease              barrow_InterlockedIncrementRelease
#define InterlockedIncrementNoFence              barrow_InterlockedIncrementNoFence
#define InterlockedIncrement64                   barrow_InterlockedIncrement64
#define InterlockedIncrement64Acquire            barrow_InterlockedIncrement64Acquire
#define InterlockedIncrement64Release            barrow_InterlockedIncrement64Release
#define InterlockedIncrement64NoFence            barrow_InterlockedIncrement64NoFence
#define InterlockedIncrement16                   barrow_InterlockedIncrement16
#define InterlockedIncrement16Acquire            barrow_InterlockedIncrement16Acquire
#define InterlockedIncrement16Release            barrow_InterlockedIncrement16Release
#define InterlockedIncrement16NoFence            barrow_InterlockedIncrement16NoFence
#define InterlockedIncrement8                    barrow_InterlockedIncrement8
#define InterlockedIncrement8Acquire             barrow_InterlockedIncrement8Acquire
#define InterlockedIncrement8Release             barrow_InterlockedIncrement8Release
#define InterlockedIncrement8NoFence             barrow_InterlockedIncrement8NoFence
#define InterlockedDecrement                     barrow_InterlockedDecrement
#define InterlockedDecrementAcquire              barrow_InterlockedDecrementAcquire
#define InterlockedDecrementRelease              barrow_InterlockedDecrementRelease
#define InterlockedDecrementNoFence              barrow_InterlockedDecrementNoFence
#define InterlockedDecrement64                   barrow_InterlockedDecrement64
#define InterlockedDecrement64Acquire            barrow_InterlockedDecrement64Acquire
#define InterlockedDecrement64Release            barrow_InterlockedDecrement64Release
#define InterlockedDecrement64NoFence            barrow_InterlockedDecrement64NoFence
#define InterlockedDecrement16                   barrow_InterlockedDecrement16
#define InterlockedDecrement16Acquire            barrow_InterlockedDecrement16Acquire
#define InterlockedDecrement16Release            barrow_InterlockedDecrement16Release
#define InterlockedDecrement16NoFence            barrow_InterlockedDecrement16NoFence
#define InterlockedDecrement8                    barrow_InterlockedDecrement8
#define InterlockedDecrement8Acquire             barrow_InterlockedDecrement8Acquire
#define InterlockedDecrement8Release             barrow_InterlockedDecrement8Release
#define InterlockedDecrement8NoFence             barrow_InterlockedDecrement8NoFence
#define InterlockedAdd                           barrow_InterlockedAdd
#define InterlockedAddAcquire                    barrow_InterlockedAddAcquire
#define InterlockedAddRelease                    barrow_InterlockedAddRelease
#define InterlockedAddNoFence                    barrow_InterlockedAddNoFence
#define InterlockedAdd64                         barrow_InterlockedAdd64
#define InterlockedAdd64Acquire                  barrow_InterlockedAdd64Acquire
#define InterlockedAdd64Release                  barrow_InterlockedAdd64Release
#define InterlockedAdd64NoFence                  barrow_InterlockedAdd64NoFence
#define InterlockedAdd16                         barrow_InterlockedAdd16
#define InterlockedAdd16Acquire                  barrow_InterlockedAdd16Acquire
#define InterlockedAdd16Release                  barrow_InterlockedAdd16Release
#define InterlockedAdd16NoFence                  barrow_InterlockedAdd16NoFence
#define InterlockedAdd8                          barrow_InterlockedAdd8
#define InterlockedAdd8Acquire                   barrow_InterlockedAdd8Acquire
#define InterlockedAdd8Release                   barrow_InterlockedAdd8Release
#define InterlockedAdd8NoFence                   barrow_InterlockedAdd8NoFence
#define InterlockedExchange                      barrow_InterlockedExchange
#define InterlockedExchangeAcquire               barrow_InterlockedExchangeAcquire
#define InterlockedExchangeRelease               barrow_InterlockedExchangeRelease
#define InterlockedExchangeNoFence               barrow_InterlockedExchangeNoFence
#define InterlockedExchange64                    barrow_InterlockedExchange64
#define InterlockedExchange64Acquire             barrow_InterlockedExchange64Acquire
#define InterlockedExchange64Release             barrow_InterlockedExchange64Release
#define InterlockedExchange64NoFence             barrow_InterlockedExchange64NoFence
#define InterlockedExchange16                    barrow_InterlockedExchange16
#define InterlockedExchange16Acquire             barrow_InterlockedExchange16Acquire
#define InterlockedExchange16Release             barrow_InterlockedExchange16Release
#define InterlockedExchange16NoFence             barrow_InterlockedExchange16NoFence
#define InterlockedExchange8                     barrow_InterlockedExchange8
#define InterlockedExchange8Acquire              barrow_InterlockedExchange8Acquire
#define InterlockedExchange8Release              barrow_InterlockedExchange8Release
#define InterlockedExchange8NoFence              barrow_InterlockedExchange8NoFence
#define InterlockedExchangeAdd                   barrow_InterlockedExchangeAdd
#define InterlockedExchangeAddAcquire            barrow_InterlockedExchangeAddAcquire
#define InterlockedExchangeAddRelease            barrow_InterlockedExchangeAddRelease
#define InterlockedExchangeAddNoFence            barrow_InterlockedExchangeAddNoFence
#define InterlockedExchangeAdd64                 barrow_InterlockedExchangeAdd64
#define InterlockedExchangeAdd64Acquire          barrow_InterlockedExchangeAdd64Acquire
#define InterlockedExchangeAdd64Release          barrow_InterlockedExchangeAdd64Release
#define InterlockedExchangeAdd64NoFence          barrow_InterlockedExchangeAdd64NoFence
#define InterlockedExchangeAdd16                 barrow_InterlockedExchangeAdd16
#define InterlockedExchangeAdd16Acquire          barrow_InterlockedExchangeAdd16Acquire
#define InterlockedExchangeAdd16Release          barrow_InterlockedExchangeAdd16Release
#define InterlockedExchangeAdd16NoFence          barrow_InterlockedExchangeAdd16NoFence
#define InterlockedExchangeAdd8                  barrow_InterlockedExchangeAdd8
#define InterlockedExchangeAdd8Acquire           barrow_InterlockedExchangeAdd8Acquire
#define InterlockedExchangeAdd8Release           barrow_InterlockedExchangeAdd8Release
#define InterlockedExchangeAdd8NoFence           barrow_InterlockedExchangeAdd8NoFence
#define InterlockedAnd                           barrow_InterlockedAnd
#define InterlockedAndAcquire                    barrow_InterlockedAndAcquire
#define InterlockedAndRelease                    barrow_InterlockedAndRelease
#define InterlockedAndNoFence                    barrow_InterlockedAndNoFence
#define InterlockedAnd64                         barrow_InterlockedAnd64
#define InterlockedAnd64Acquire                  barrow_InterlockedAnd64Acquire
#define InterlockedAnd64Release                  barrow_InterlockedAnd64Release
#define InterlockedAnd64NoFence                  barrow_InterlockedAnd64NoFence
#define InterlockedAnd16                         barrow_InterlockedAnd16
#define InterlockedAnd16Acquire                  barrow_InterlockedAnd16Acquire
#define InterlockedAnd16Release                  barrow_InterlockedAnd16Release
#define InterlockedAnd16NoFence                  barrow_InterlockedAnd16NoFence
#define InterlockedAnd8                          barrow_InterlockedAnd8
#define InterlockedAnd8Acquire                   barrow_InterlockedAnd8Acquire
#define InterlockedAnd8Release                   barrow_InterlockedAnd8Release
#define InterlockedAnd8NoFence                   barrow_InterlockedAnd8NoFence
#define InterlockedOr                            barrow_InterlockedOr
#define InterlockedOrAcquire                     barrow_InterlockedOrAcquire
#define InterlockedOrRelease                     barrow_InterlockedOrRelease
#define InterlockedOrNoFence                     barrow_InterlockedOrNoFence
#define InterlockedOr64                          barrow_InterlockedOr64
#define InterlockedOr64Acquire                   barrow_InterlockedOr64Acquire
#define InterlockedOr64Release                   barrow_InterlockedOr64Release
#define InterlockedOr64NoFence                   barrow_InterlockedOr64NoFence
#define InterlockedOr16                          barrow_InterlockedOr16
#define InterlockedOr16Acquire                   barrow_InterlockedOr16Acquire
#define InterlockedOr16Release                   barrow_InterlockedOr16Release
#define InterlockedOr16NoFence                   barrow_InterlockedOr16NoFence
#define InterlockedOr8                           barrow_InterlockedOr8
#define InterlockedOr8Acquire                    barrow_InterlockedOr8Acquire
#define InterlockedOr8Release                    barrow_InterlockedOr8Release
#define InterlockedOr8NoFence                    barrow_InterlockedOr8NoFence
#define InterlockedXor                           barrow_InterlockedXor
#define InterlockedXorAcquire                    barrow_InterlockedXorAcquire
#define InterlockedXorRelease                    barrow_InterlockedXorRelease
#define InterlockedXorNoFence                    barrow_InterlockedXorNoFence
#define InterlockedXor64                         barrow_InterlockedXor64
#define InterlockedXor64Acquire                  barrow_InterlockedXor64Acquire
#define InterlockedXor64Release                  barrow_InterlockedXor64Release
#define InterlockedXor64NoFence                  barrow_InterlockedXor64NoFence
#define InterlockedXor16                         barrow_InterlockedXor16
#define InterlockedXor16Acquire                  barrow_InterlockedXor16Acquire
#define InterlockedXor16Release                  barrow_InterlockedXor16Release
#define InterlockedXor16NoFence                  barrow_InterlockedXor16NoFence
#define InterlockedXor8                          barrow_InterlockedXor8
#define InterlockedXor8Acquire                   barrow_InterlockedXor8Acquire
#define InterlockedXor8Release                   barrow_InterlockedXor8Release
#define InterlockedXor8NoFence                   barrow_InterlockedXor8NoFence
#define InterlockedCompareExchange               barrow_InterlockedCompareExchange
#define InterlockedCompareExchangeAcquire        barrow_InterlockedCompareExchangeAcquire
#define InterlockedCompareExchangeRelease        barrow_InterlockedCompareExchangeRelease
#define InterlockedCompareExchangeNoFence        barrow_InterlockedCompareExchangeNoFence
#define InterlockedCompareExchange64             barrow_InterlockedCompareExchange64
#define InterlockedCompareExchange64Acquire      barrow_InterlockedCompareExchange64Acquire
#define InterlockedCompareExchange64Release      barrow_InterlockedCompareExchange64Release
#define InterlockedCompareExchange64NoFence      barrow_InterlockedCompareExchange64NoFence
#define InterlockedCompareExchange16             barrow_InterlockedCompareExchange16
#define InterlockedCompareExchange16Acquire      barrow_InterlockedCompareExchange16Acquire
#define InterlockedCompareExchange16Release      barrow_InterlockedCompareExchange16Release
#define InterlockedCompareExchange16NoFence      barrow_InterlockedCompareExchange16NoFence
#define InterlockedCompareExchange8              barrow_InterlockedCompareExchange8
#define InterlockedCompareExchange8Acquire       barrow_InterlockedCompareExchange8Acquire
#define InterlockedCompareExchange8Release       barrow_InterlockedCompareExchange8Release
#define InterlockedCompareExchange8NoFence       barrow_InterlockedCompareExchange8NoFence
#define InterlockedExchangePointer               barrow_InterlockedExchangePointer
#define InterlockedExchangePointerAcquire        barrow_InterlockedExchangePointerAcquire
#define InterlockedExchangePointerRelease        barrow_InterlockedExchangePointerRelease
#define InterlockedExchangePointerNoFence        barrow_InterlockedExchangePointerNoFence
#define InterlockedCompareExchangePointer        barrow_InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerAcquire barrow_InterlockedCompareExchangePointerAcquire
#define InterlockedCompareExchangePointerRelease barrow_InterlockedCompareExchangePointerRelease
#define InterlockedCompareExchangePointerNoFence barrow_InterlockedCompareExchangePointerNoFence
#define InterlockedBitTestAndSet                 barrow_InterlockedBitTestAndSet
#define InterlockedBitTestAndSet64               barrow_InterlockedBitTestAndSet64
#define InterlockedBitTestAndReset               barrow_InterlockedBitTestAndReset
#define InterlockedBitTestAndReset64             barrow_InterlockedBitTestAndReset64
#define InterlockedBitTestAndComplement          barrow_InterlockedBitTestAndComplement
#define InterlockedBitTestAndComplement64        barrow_InterlockedBitTestAndComplement64
#define InterlockedCompareExchange128            barrow_InterlockedCompareExchange128

/* The compiler's own names for them. */
#define _InterlockedIncrement              barrow_InterlockedIncrement
#define _InterlockedIncrement64            barrow_InterlockedIncrement64
#define _InterlockedIncrement16            barrow_InterlockedIncrement16
#define _InterlockedIncrement8             barrow_InterlockedIncrement8
#define _InterlockedDecrement              barrow_InterlockedDecrement
#define _InterlockedDecrement64            barrow_InterlockedDecrement64
#define _InterlockedDecrement16            barrow_InterlockedDecrement16
#define _InterlockedDecrement8             barrow_InterlockedDecrement8
#define _InterlockedAdd                    barrow_InterlockedAdd
#define _InterlockedAdd64                  barrow_InterlockedAdd64
#define _InterlockedAdd16                  barrow_InterlockedAdd16
#define _InterlockedAdd8                   barrow_InterlockedAdd8
#define _InterlockedExchange               barrow_InterlockedExchange
#define _InterlockedExchange64             barrow_InterlockedExchange64
#define _InterlockedExchange16             barrow_InterlockedExchange16
#define _InterlockedExchange8              barrow_InterlockedExchange8
#define _InterlockedExchangeAdd            barrow_InterlockedExchangeAdd
#define _InterlockedExchangeAdd64          barrow_InterlockedExchangeAdd64
#define _InterlockedExchangeAdd16          barrow_InterlockedExchangeAdd16
#define _InterlockedExchangeAdd8           barrow_InterlockedExchangeAdd8
#define _InterlockedAnd                    barrow_InterlockedAnd
#define _InterlockedAnd64                  barrow_InterlockedAnd64
#define _InterlockedAnd16                  barrow_InterlockedAnd16
#define _InterlockedAnd8                   barrow_InterlockedAnd8
#define _InterlockedOr                     barrow_InterlockedOr
#define _InterlockedOr64                   barrow_InterlockedOr64
#define _InterlockedOr16                   barrow_InterlockedOr16
#define _InterlockedOr8                    barrow_InterlockedOr8
#define _InterlockedXor                    barrow_InterlockedXor
#define _InterlockedXor64                  barrow_InterlockedXor64
#define _InterlockedXor16                  barrow_InterlockedXor16
#define _InterlockedXor8                   barrow_InterlockedXor8
#define _InterlockedCompareExchange        barrow_InterlockedCompareExchange
#define _InterlockedCompareExchange64      barrow_InterlockedCompareExchange64
#define _InterlockedCompareExchange16      barrow_InterlockedCompareExchange16
#define _InterlockedCompareExchange8       barrow_InterlockedCompareExchange8
#define _InterlockedExchangePointer        barrow_InterlockedExchangePointer
#define _InterlockedCompareExchangePointer barrow_InterlockedCompareExchangePointer
#define _interlockedbittestandset          barrow_InterlockedBitTestAndSet
#define _interlockedbittestandset64        barrow_InterlockedBitTestAndSet64
#define _interlockedbittestandreset        barrow_InterlockedBitTestAndReset
#define _interlockedbittestandreset64      barrow_InterlockedBitTestAndReset64
#define _InterlockedCompareExchange128     barrow_InterlockedCompareExchange128
#define InterlockedExchangeAddSizeT(target, value)                                                 \
    ((SIZE_T)barrow_InterlockedExchangeAdd64((LONG64 volatile *)(target), (LONG64)(value)))
#define InterlockedIncrementSizeT(target)                                                          \
    ((SIZE_T)barrow_InterlockedIncrement64((LONG64 volatile *)(target)))
#define InterlockedDecrementSizeT(target)                                                          \
    ((SIZE_T)barrow_InterlockedDecrement64((LONG64 volatile *)(target)))

#define InitializeSListHead        barrow_InitializeSListHead
#define InterlockedPushEntrySList  barrow_InterlockedPushEntrySList
#define InterlockedPushListSListEx barrow_InterlockedPushListSListEx
#define InterlockedPopEntrySList   barrow_InterlockedPopEntrySList
#define InterlockedFlushSList      barrow_InterlockedFlushSList
#define QueryDepthSList            barrow_QueryDepthSList

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the list empty. No other call on it may be in progress. */
BARROW_API void WINAPI InitializeSListHead(PSLIST_HEADER list);

/* Puts an entry at the front. Returns the entry that was first, or NULL. */
BARROW_API PSLIST_ENTRY WINAPI InterlockedPushEntrySList(PSLIST_HEADER list, PSLIST_ENTRY entry);

/* Puts a chain of count entries, from first to last, at the front. Returns the entry that was first,
 * or NULL. */
BARROW_API PSLIST_ENTRY WINAPI InterlockedPushListSListEx(PSLIST_HEADER list, PSLIST_ENTRY first,
                                                          PSLIST_ENTRY last, ULONG count);

/* Takes the first entry, or returns NULL. The entry may be freed at once. */
BARROW_API PSLIST_ENTRY WINAPI InterlockedPopEntrySList(PSLIST_HEADER list);

/* Takes all entries; returns the first of them, or NULL. */
BARROW_API PSLIST_ENTRY WINAPI InterlockedFlushSList(PSLIST_HEADER list);

/* The number of entries modulo 65,536. */
BARROW_API USHORT WINAPI QueryDepthSList(PSLIST_HEADER list);

#ifdef __cplusplus
}
#endif

#endif
