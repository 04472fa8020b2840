/* SPDX-License-Identifier: MIT */
/* win32_test.h: what the tests of the Win32 face share. The same sources build for Linux, with
 * cmocka and this library, and for Windows, with the few macros below and the system's own
 * functions: there they show that the tests are right.
 *
 * A test's name begins with the section of the list of facts it comes from and says the fact. Facts
 * that Wine 8 is known not to follow are registered by not_on_wine(). */
#ifndef WIN32_TEST_H
#define WIN32_TEST_H

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define _WIN32_WINNT  0x0A00
#define PSAPI_VERSION 2
#endif

#include <windows.h>

#include <psapi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include "runner_windows.h"
#define not_on_wine_nor_emulated(test) not_on_wine(test)
#else
#include <cmocka.h>
#define not_on_wine(test)              cmocka_unit_test(test)
#define not_on_wine_nor_emulated(test) not_emulated(test)
#define not_on_wine_setup_teardown(test, set_up, tear_down)                                        \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#endif

/* Asked of the system: 4 KiB on Windows, up to 64 KiB on Linux. */
#ifdef BARROW_TEST_EMULATED
/* QEMU's user mode has no page map of the pages it plays, no write watch, and lists its own mappings
 * among the program's: a test that needs one of them says that it is left out. */
static inline void left_out_when_emulated(void **state)
{
    (void)state;
    puts("left out: QEMU lacks what it needs");
}
#define not_emulated(test)                                                                         \
    {                                                                                              \
#test, (test) != NULL ? left_out_when_emulated : NULL, NULL, NULL, NULL                    \
    }
#else
#define not_emulated(test) cmocka_unit_test(test)
#endif

#define PAGE    (page_bytes())
#define GRANULE ((SIZE_T)0x10000)

static inline SIZE_T page_bytes(void)
{
    static SIZE_T bytes;
    if (bytes == 0) {
        SYSTEM_INFO info;
        GetSystemInfo(&info);
        bytes = info.dwPageSize;
    }
    return bytes;
}

/* Evaluates to what the access raises: 0, STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION. */
DWORD fault_of_read(const volatile void *address);
DWORD fault_of_write(volatile void *address);
DWORD fault_of_call(int (*function)(void));
void faults_set_up(void);

/* Another process that runs this program with one argument, its role. */
typedef struct child *child_t;
child_t child_start(const char *role);
int child_wait(child_t child);  /* its exit code */
void child_kill(child_t child); /* as by SIGKILL */

/* Another thread of this process. A failed check must not leave it: body notes what it finds. */
typedef struct thread *thread_t;
thread_t thread_start(void (*body)(void *argument), void *argument);
void thread_join(thread_t thread);

/* A fresh file name in a folder for scratch, the same for each test of the process. */
const char *scratch_name(const char *name);

/* A name for a mapping that no other run of the tests uses at the same time; children inherit it.
 */
const char *object_name(const char *name);

/* True within 10 seconds, or false. */
int wait_until_nonzero(const volatile LONG *flag);

/* main's body: runs a role if there is one, else the tests. */
typedef int (*role_t)(const char *role);
void tests_set_up(int argc, char **argv, role_t role);

/* For a call that is to fail with an error. */
#define assert_error(call, failure, error)                                                         \
    do {                                                                                           \
        SetLastError(0xDEADBEEF);                                                                  \
        assert_true((call) == (failure));                                                          \
        assert_int_equal(GetLastError(), (error));                                                 \
    } while (0)

/* For a call that is to succeed and to keep the last error. */
#define assert_kept(call)                                                                          \
    do {                                                                                           \
        SetLastError(0xDEADBEEF);                                                                  \
        assert_true(call);                                                                         \
        assert_int_equal(GetLastError(), 0xDEADBEEF);                                              \
    } while (0)

static inline char *alloc_pages(SIZE_T pages, DWORD type, DWORD protect)
{
    char *p = (char *)VirtualAlloc(NULL, pages * PAGE, type, protect);
    assert_non_null(p);
    return p;
}

static inline void release(void *p)
{
    assert_true(VirtualFree(p, 0, MEM_RELEASE));
}

static inline MEMORY_BASIC_INFORMATION query(const void *address)
{
    MEMORY_BASIC_INFORMATION info;
    memset(&info, 0xAA, sizeof(info));
    assert_int_equal(VirtualQuery(address, &info, sizeof(info)), sizeof(info));
    return info;
}

static inline void assert_region(const void *address, DWORD state, DWORD protect, SIZE_T pages)
{
    MEMORY_BASIC_INFORMATION info = query(address);
    assert_int_equal(info.State, state);
    assert_int_equal(info.Protect, protect);
    assert_int_equal(info.RegionSize, pages * PAGE);
}

#endif
