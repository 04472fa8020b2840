/* SPDX-License-Identifier: MIT */
/* fault.c: a vectored exception handler, the first in the list, that reports access violations and then lets the search
 * go on. It takes no lock. */
#include "os/fault.h"

#include <windows.h>

static void (*see_fault)(const void *address);

/* Asked before all blocks of the program's, and answers nothing. */
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION && record->NumberParameters >= 2)
        see_fault((const void *)record->ExceptionInformation[1]);
    return EXCEPTION_CONTINUE_SEARCH;
}

void os_on_fault(void (*see)(const void *address))
{
    see_fault = see;
    AddVectoredExceptionHandler(TRUE, on_exception);
}
