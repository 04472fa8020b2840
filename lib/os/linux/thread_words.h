/* SPDX-License-Identifier: MIT */
/* Linux: a thread-local record, reached from the thread register. */
#ifndef BARROW_OS_LINUX_THREAD_WORDS_H
#define BARROW_OS_LINUX_THREAD_WORDS_H

#define THREAD_WORDS_AT_START THREAD_LOCAL struct thread_words words_of_this_thread

extern THREAD_LOCAL struct thread_words words_of_this_thread HIDDEN;

ALWAYS_INLINE struct thread_words *thread_words(void)
{
    return &words_of_this_thread;
}

ALWAYS_INLINE uintptr_t os_thread_token(void)
{
    return (uintptr_t)&words_of_this_thread;
}

#endif
