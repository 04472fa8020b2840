/* SPDX-License-Identifier: MIT */
/* commit_on_fault.c: reserves room for 80 pages and writes to it. A page is committed by the filter
 * when it is first written to, up to a limit; then the handler is executed. As in a textbook: state
 * in global variables, a filter that knows the exception's code alone. Needs a compiler that knows
 * __try. */
#include <windows.h>

#include <stdio.h>

#define RESERVED 80
#define LIMIT    60

static LPSTR next_page;
static DWORD page_size;
static DWORD committed;

static INT page_fault_filter(DWORD code)
{
    LPVOID page;
    if (code != EXCEPTION_ACCESS_VIOLATION) {
        printf("exception 0x%08X\n", (unsigned)code);
        return EXCEPTION_EXECUTE_HANDLER;
    }
    if (committed >= LIMIT)
        return EXCEPTION_EXECUTE_HANDLER;
    page = VirtualAlloc((LPVOID)next_page, page_size, MEM_COMMIT, PAGE_READWRITE);
    if (page == NULL)
        return EXCEPTION_EXECUTE_HANDLER;
    committed++;
    next_page += page_size;
    return EXCEPTION_CONTINUE_EXECUTION;
}

int main(void)
{
    SYSTEM_INFO info;
    LPVOID base;
    LPSTR bytes;
    DWORD i, written;
    volatile BOOL handled = FALSE;

    GetSystemInfo(&info);
    page_size = info.dwPageSize;
    base = VirtualAlloc(NULL, RESERVED * page_size, MEM_RESERVE, PAGE_NOACCESS);
    if (base == NULL)
        return 1;
    bytes = next_page = (LPSTR)base;
    for (i = 0; i < RESERVED * page_size; i++) {
        __try {
            bytes[i] = 'a';
        } __except (page_fault_filter(GetExceptionCode())) {
            handled = TRUE;
            break;
        }
    }
    written = i;
    printf("%u bytes written, %u pages committed\n", (unsigned)written, (unsigned)committed);
    if (!handled || committed != LIMIT || written != LIMIT * page_size)
        return 2;
    for (i = 0; i < written; i++) {
        if (bytes[i] != 'a')
            return 3;
    }
    return VirtualFree(base, 0, MEM_RELEASE) ? 0 : 4;
}
