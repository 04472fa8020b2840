/* SPDX-License-Identifier: MIT */
/* Windows: one slot of the thread environment block (TEB), taken by TlsAlloc, holds the address of
 * the record. Its place in the block is fixed for the first 64 slots; with a later one the fast way
 * reads a field that is always NULL, and the slow way finds the record. */
#ifndef BARROW_OS_WINDOWS_THREAD_WORDS_H
#define BARROW_OS_WINDOWS_THREAD_WORDS_H

#define THREAD_WORDS_AT_START const struct thread_words words_at_start

extern const struct thread_words words_at_start;

enum { TEB_SELF = 0x30, TEB_ALWAYS_NULL = 0x38, TEB_SLOTS = 0x1480, TEB_SLOT_COUNT = 64 };

/* The slot's offset in the environment block. */
extern uint64_t os_words_place;

/* The thread has no record yet, or the slot is a late one. Never NULL. */
struct thread_words *os_find_thread_words(void);

/* The environment block is the base of the gs segment on x86, of which it has its own address at
 * TEB_SELF, and in register x18 on Arm. Its fields are at the same places. */
ALWAYS_INLINE void *os_teb_load(uint64_t offset)
{
#if defined(_MSC_VER) && (defined(_M_ARM64) || defined(_M_ARM64EC))
    return (void *)__readx18qword((unsigned long)offset);
#elif defined(_MSC_VER)
    return (void *)__readgsqword((unsigned long)offset);
#elif defined(__aarch64__)
    void *word;
    __asm__ volatile("ldr %0, [x18, %1]" : "=r"(word) : "r"(offset));
    return word;
#else
    void *word;
    __asm__ volatile("movq %%gs:(%1), %0" : "=r"(word) : "r"(offset));
    return word;
#endif
}

ALWAYS_INLINE struct thread_words *thread_words(void)
{
    struct thread_words *words = os_teb_load(os_words_place);
    return likely(words != NULL) ? words : os_find_thread_words();
}

ALWAYS_INLINE uintptr_t os_thread_token(void)
{
    return (uintptr_t)os_teb_load(TEB_SELF);
}

#endif
