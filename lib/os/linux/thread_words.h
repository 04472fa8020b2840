/* SPDX-License-Identifier: MIT */
/* Linux: a thread-local record, reached from the thread register. */
#ifndef BARROW_OS_LINUX_THREAD_WORDS_H
#define BARROW_OS_LINUX_THREAD_WORDS_H

#define THREAD_WORDS_AT_START THREAD_LOCAL struct thread_words words_of_this_thread

extern THREAD_LOCAL struct thread_words words_of_this_thread HIDDEN;

#if defined(__SANITIZE_ADDRESS__)
/* Where the library is linked into the program, the linker makes of the addition of the thread's
 * address one that sets no flags, and gcc's test for NULL goes by them: it must not see what the
 * address is. */
ALWAYS_INLINE struct thread_words *thread_words(void)
{
    struct thread_words *words = &words_of_this_thread;
    __asm__("" : "+r"(words));
    return words;
}
#else
ALWAYS_INLINE struct thread_words *thread_words(void)
{
    return &words_of_this_thread;
}
#endif

ALWAYS_INLINE uintptr_t os_thread_token(void)
{
    return (uintptr_t)&words_of_this_thread;
}

#endif
