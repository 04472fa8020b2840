/* SPDX-License-Identifier: MIT */
/* dynamic_array.c: an array with room for 2^27 numbers of which a page is committed when it is
 * first touched: the fault on reserved memory is answered by a commit, and the access goes on. */
#include <windows.h>

#include <stdio.h>
#include <string.h>
#ifndef _WIN32
#include <signal.h>
#endif

#define ROOM ((SIZE_T)1 << 30)

static char *array;
static int commits;

/* Commits the page of a faulting address, if it is of the array. */
static int commit_page(char *address)
{
    if (address < array || address >= array + ROOM)
        return 0;
    commits++;
    return VirtualAlloc(address, 1, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

#ifdef _WIN32
static LONG CALLBACK on_fault(EXCEPTION_POINTERS *pointers)
{
    EXCEPTION_RECORD *record = pointers->ExceptionRecord;
    if (record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION &&
        commit_page((char *)record->ExceptionInformation[1]))
        return EXCEPTION_CONTINUE_EXECUTION;
    return EXCEPTION_CONTINUE_SEARCH;
}

static void catch_faults(void)
{
    AddVectoredExceptionHandler(1, on_fault);
}
#else
static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!commit_page((char *)info->si_addr))
        signal(number, SIG_DFL);
}

static void catch_faults(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
}
#endif

int main(void)
{
    MEMORY_BASIC_INFORMATION info;
    volatile LONGLONG *numbers;
    int i;

    array = (char *)VirtualAlloc(NULL, ROOM, MEM_RESERVE, PAGE_NOACCESS);
    if (array == NULL)
        return 1;
    catch_faults();
    numbers = (volatile LONGLONG *)array;
    for (i = 0; i < 5120; i++) /* ten pages in a row */
        numbers[i] = i;
    numbers[ROOM / sizeof(LONGLONG) - 1] = 77; /* and the last one */
    for (i = 0; i < 5120; i++) {
        if (numbers[i] != i)
            return 2;
    }
    if (commits != 11 || numbers[ROOM / sizeof(LONGLONG) - 1] != 77)
        return 3;
    if (VirtualQuery(array, &info, sizeof(info)) == 0 || info.State != MEM_COMMIT ||
        info.RegionSize != 10 * 4096)
        return 4;
    if (!VirtualFree(array, 0, MEM_RELEASE))
        return 5;
    printf("%d pages committed of %u\n", commits, (unsigned)(ROOM / 4096));
    return 0;
}
