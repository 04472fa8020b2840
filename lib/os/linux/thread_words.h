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

/* The address of the thread's control block: aligned, and no other living thread's. */
ALWAYS_INLINE uintptr_t os_thread_token(void)
{
    uintptr_t thread;
#if defined(__x86_64__)
    __asm__("movq %%fs:0, %0" : "=r"(thread));
#elif defined(__aarch64__)
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
#else
#error "os_thread_token knows x86-64 and 64-bit Arm"
#endif
    return thread;
}

#endif
