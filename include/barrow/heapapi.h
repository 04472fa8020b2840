/* SPDX-License-Identifier: MIT */
/* heapapi.h: heaps. A heap is a set of blocks that HeapDestroy frees together. malloc uses the heap
 * that GetProcessHeap() returns.
 *
 * Source: Microsoft's documentation of heapapi.h; where it is silent, what Windows is seen to do.
 * "Chosen:" marks what neither settles. All sizes are in bytes.
 *
 * Errors. BOOL results are FALSE and pointers NULL on failure, with the last error set; a call that
 * succeeds keeps the last error, unless said otherwise. Chosen: a handle that is NULL, wild, or of
 * a destroyed heap is ERROR_INVALID_HANDLE in every call; an address that does not start a live
 * block of the given heap (wild, inside a block, freed, of another heap) is
 * ERROR_INVALID_PARAMETER. On Windows most of these are undefined. Neither harms a heap. After
 * HeapSetInformation with HeapEnableTerminationOnCorruption, a bad block given to HeapFree or
 * HeapReAlloc ends the process by abort, with one line on standard error. HeapValidate and HeapSize
 * still return a result. Chosen: so does, at any time, a call that comes upon a freed block of a heap
 * without a maximum whose first 16 bytes the program overwrote: no heap could be sound after it.
 *
 * Threads. A heap made without HEAP_NO_SERIALIZE may be used by any number of threads at once; a
 * block may be resized and freed by any of them. A heap made with it takes no lock at all: the
 * program must ensure that one thread uses the heap at a time. HEAP_NO_SERIALIZE in the flags of a
 * single call bypasses HeapLock where that is safe, and has no other effect: such a call is still
 * correct beside others. No other call on the heap may be in progress during HeapDestroy.
 *
 * HEAP_GENERATE_EXCEPTIONS, given to HeapCreate or to one call, makes HeapAlloc and HeapReAlloc
 * raise an exception in place of a NULL result: STATUS_NO_MEMORY when memory is refused,
 * STATUS_ACCESS_VIOLATION when a parameter is bad. Flags that are not named here are ignored.
 *
 * On Windows types, last errors and exceptions are the system's, and HeapCreate and the others stay
 * the system's functions beside barrow_HeapCreate and so on, unless the source defines
 * BARROW_USE_HEAPS before it includes this header: then they are these. */
#ifndef BARROW_HEAPAPI_H
#define BARROW_HEAPAPI_H

#if defined(_WIN32)

#include <windows.h>

#include "barrow.h"

/* of Windows 8.1; MinGW-w64's headers lack it */
#if !defined(HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION)
#define HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION 1
#define HeapOptimizeResources                   ((HEAP_INFORMATION_CLASS)3)
typedef struct HEAP_OPTIMIZE_RESOURCES_INFORMATION {
    DWORD Version;
    DWORD Flags;
} HEAP_OPTIMIZE_RESOURCES_INFORMATION;
#endif

#else

#include "errhandlingapi.h"
#include "minwinbase.h"

typedef struct _HEAP_SUMMARY {
    DWORD cb;            /* set by the caller to sizeof(HEAP_SUMMARY) */
    SIZE_T cbAllocated;  /* held by the program: the sum of the blocks' sizes */
    SIZE_T cbCommitted;  /* memory that the heap has from the system */
    SIZE_T cbReserved;   /* address space that the heap has */
    SIZE_T cbMaxReserve; /* the most it may have: the maximum of a bounded heap */
} HEAP_SUMMARY, *PHEAP_SUMMARY;
typedef PHEAP_SUMMARY LPHEAP_SUMMARY;

#if UINTPTR_MAX == UINT64_MAX
BARROW_LAYOUT(sizeof(HEAP_SUMMARY) == 40);
#endif

#endif

#define HeapCreate           barrow_HeapCreate
#define HeapDestroy          barrow_HeapDestroy
#define HeapAlloc            barrow_HeapAlloc
#define HeapReAlloc          barrow_HeapReAlloc
#define HeapFree             barrow_HeapFree
#define HeapSize             barrow_HeapSize
#define HeapValidate         barrow_HeapValidate
#define HeapCompact          barrow_HeapCompact
#define HeapLock             barrow_HeapLock
#define HeapUnlock           barrow_HeapUnlock
#define HeapWalk             barrow_HeapWalk
#define HeapSummary          barrow_HeapSummary
#define HeapSetInformation   barrow_HeapSetInformation
#define HeapQueryInformation barrow_HeapQueryInformation
#define GetProcessHeap       barrow_GetProcessHeap
#define GetProcessHeaps      barrow_GetProcessHeaps

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a heap.
 * options: HEAP_NO_SERIALIZE, HEAP_GENERATE_EXCEPTIONS (both then hold for each later call) and
 * HEAP_CREATE_ENABLE_EXECUTE (the blocks' memory may be executed). Others are dropped.
 * initial: memory to commit at once, rounded up to a page; 0 is one page.
 * maximum: 0 makes a heap that grows as long as there is memory. Otherwise the heap is bounded:
 * this much address space, rounded up to a page, is reserved, and holds the blocks and what the
 * heap itself needs, so that no block is quite as large. Chosen: an initial size above maximum
 * counts as maximum, and a maximum too small for the heap itself is raised. Unlike on Windows a
 * single block may be as large as the space that is left. Result: the handle, a multiple of 64 KiB;
 * or NULL with ERROR_NOT_ENOUGH_MEMORY. */
BARROW_API HANDLE WINAPI HeapCreate(DWORD options, SIZE_T initial, SIZE_T maximum);

/* Destroys a heap and frees all its blocks, at a cost that depends on its pages and not on its blocks.
 * Any thread may call it. The handle and all blocks are invalid afterwards; HeapLock's locks end.
 * Errors: ERROR_INVALID_HANDLE, also for the process heap, which cannot be destroyed. */
BARROW_API BOOL WINAPI HeapDestroy(HANDLE heap);

/* A block of size bytes, aligned to MEMORY_ALLOCATION_ALIGNMENT. Size 0 gives a block of its own
 * with no bytes.
 * flags: HEAP_ZERO_MEMORY fills it with zeros, which go on to the next multiple of 8 behind it, as on
 * Windows; HEAP_NO_SERIALIZE, HEAP_GENERATE_EXCEPTIONS.
 * While another thread holds the heap (HeapLock), the call waits, on the process heap too.
 * Errors: ERROR_NOT_ENOUGH_MEMORY (Microsoft's page: does not set the last error; Windows does),
 * ERROR_INVALID_HANDLE. */
BARROW_API LPVOID WINAPI HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size);

/* Gives a block another size; it may move, within its heap. The first bytes, as many as both sizes
 * have, are kept. Size 0 leaves a block with no bytes; nothing is freed.
 * flags: HEAP_ZERO_MEMORY fills what was added, from the old size on, with zeros;
 * HEAP_REALLOC_IN_PLACE_ONLY fails rather than moving the block (a smaller size always succeeds in
 * place); HEAP_NO_SERIALIZE, HEAP_GENERATE_EXCEPTIONS. NULL on failure, and the block is as
 * before: ERROR_NOT_ENOUGH_MEMORY (also when the block cannot grow in place), ERROR_INVALID_HANDLE,
 * ERROR_INVALID_PARAMETER. block NULL is a failure that sets the last error to NO_ERROR. */
BARROW_API LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID block, SIZE_T size);

/* Frees a block. NULL is no block and no failure, whatever the handle.
 * flags: HEAP_NO_SERIALIZE.
 * Errors: ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER. A block freed twice is found as long as
 * its memory has not been given out again. */
BARROW_API BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID block);

/* The size that was asked for, exactly; for a block that the plain malloc family made, what
 * malloc_usable_size answers (also when HeapReAlloc has resized it).
 * flags: HEAP_NO_SERIALIZE.
 * Failure: (SIZE_T)-1. Microsoft's page says that the last error is not set; chosen:
 * ERROR_INVALID_PARAMETER, ERROR_INVALID_HANDLE. */
BARROW_API SIZE_T WINAPI HeapSize(HANDLE heap, DWORD flags, LPCVOID block);

/* Whether block is a live block of the heap and undamaged; with block NULL, whether the whole heap
 * is sound, which takes time in proportion to its size.
 * flags: HEAP_NO_SERIALIZE.
 * Found are blocks that are freed, damaged or not of this heap, and damaged lists of free blocks.
 * The last error is kept for FALSE too, with two exceptions: ERROR_NOACCESS for memory that is not
 * mapped at all, and ERROR_INVALID_HANDLE for a bad handle. */
BARROW_API BOOL WINAPI HeapValidate(HANDLE heap, DWORD flags, LPCVOID block);

/* Coalesces free blocks, gives empty memory back to the system, and returns the size of the largest
 * free block that is committed. A later request of that size may still fail.
 * flags: HEAP_NO_SERIALIZE.
 * 0 with NO_ERROR when there is none, 0 with ERROR_INVALID_HANDLE on failure. */
BARROW_API SIZE_T WINAPI HeapCompact(HANDLE heap, DWORD flags);

/* Holds all other threads off the heap until the same thread has called HeapUnlock as many times as
 * HeapLock: their calls on it wait, those of the owner go on. On the process heap HeapAlloc and the
 * other Heap functions of other threads wait too. Calls of malloc's family and of operators new and
 * delete wait only if the thread's own cache can't serve them. (Microsoft's page says that all calls
 * wait; on Windows those that its front-end caches serve are seen to pass.) On a heap made with
 * HEAP_NO_SERIALIZE both answer TRUE and do nothing.
 * Errors: ERROR_INVALID_HANDLE. Chosen: HeapUnlock by a thread that does not hold the lock does
 * nothing and is ERROR_NOT_LOCKED. */
BARROW_API BOOL WINAPI HeapLock(HANDLE heap);
BARROW_API BOOL WINAPI HeapUnlock(HANDLE heap);

/* The next piece of the heap after that in *entry; the first when entry->lpData is NULL (the rest
 * may then hold anything). All state is in *entry, which is passed on unchanged; there is no end
 * call. Pieces come by region: the region, its blocks by address, busy (BUSY, exact size) and free
 * (flags 0), and what of it is uncommitted; then the large blocks outside regions, BUSY
 * with region number 64. Each block is listed once, those in threads' caches as free. The whole walk takes
 * linear time. The heap should be locked (HeapLock) for the whole walk when other threads use it; without,
 * the walk stays safe and may end early or miss blocks. FALSE at the end with ERROR_NO_MORE_ITEMS;
 * otherwise ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER (entry NULL, or an lpData that is not in
 * the heap). */
BARROW_API BOOL WINAPI HeapWalk(HANDLE heap, LPPROCESS_HEAP_ENTRY entry);

/* Fills *summary. flags: 0; ignored.
 * Errors: ERROR_INVALID_HANDLE; chosen: ERROR_INVALID_PARAMETER when summary is NULL or summary->cb
 * is not its size. */
BARROW_API BOOL WINAPI HeapSummary(HANDLE heap, DWORD flags, LPHEAP_SUMMARY summary);

/* Sets one property; length is the size of *information.
 * HeapCompatibilityInformation, ULONG 2: a low-fragmentation heap from now on. It is accepted and
 * read back, and changes nothing: all heaps except bounded ones are of that kind. It cannot be
 * undone, and a heap made with HEAP_NO_SERIALIZE or a maximum cannot become one: ERROR_GEN_FAILURE,
 * as for any other value except 0 on a heap that is still at 0.
 * HeapEnableTerminationOnCorruption, no data, heap NULL or any heap: see "Errors" above; for the
 * whole process, and permanently.
 * HeapOptimizeResources, Version 1 and Flags 0, heap NULL for all heaps: gives cached and empty
 * memory back to the system. Errors: chosen: ERROR_INVALID_PARAMETER (unknown class, version or
 * flags), ERROR_INSUFFICIENT_BUFFER (length too small), ERROR_NOACCESS (information is NULL);
 * ERROR_INVALID_HANDLE. */
BARROW_API BOOL WINAPI HeapSetInformation(HANDLE heap, HEAP_INFORMATION_CLASS information_class,
                                          PVOID information, SIZE_T length);

/* Reads one property. HeapCompatibilityInformation, a ULONG: 2 after HeapSetInformation or once 18
 * blocks of one size have been allocated, as on Windows; 0 before, and for ever on heaps that
 * cannot be of that kind. *returned (if not NULL) becomes the number of bytes, also when length is
 * too small: ERROR_INSUFFICIENT_BUFFER. Other errors: ERROR_INVALID_PARAMETER (unknown class),
 * ERROR_NOACCESS (heap NULL; *returned is left alone. Or information NULL), ERROR_INVALID_HANDLE.
 */
BARROW_API BOOL WINAPI HeapQueryInformation(HANDLE heap, HEAP_INFORMATION_CLASS information_class,
                                            PVOID information, SIZE_T length, PSIZE_T returned);

/* The process heap: growable, serialized, and malloc's: a block of either may be passed to the
 * other's calls. Never fails. */
BARROW_API HANDLE WINAPI GetProcessHeap(void);

/* The handles of all heaps, in order of their creation, the process heap first; at most count are
 * stored. Result: how many heaps there are, more than count perhaps. 0 is failure: ERROR_NOACCESS
 * (heaps is NULL and count is not 0). */
BARROW_API DWORD WINAPI GetProcessHeaps(DWORD count, PHANDLE heaps);

#ifdef __cplusplus
}
#endif

/* The system's functions keep their names for a source that has not asked otherwise. */
#if defined(_WIN32) && !defined(BARROW_USE_HEAPS)
#undef HeapCreate
#undef HeapDestroy
#undef HeapAlloc
#undef HeapReAlloc
#undef HeapFree
#undef HeapSize
#undef HeapValidate
#undef HeapCompact
#undef HeapLock
#undef HeapUnlock
#undef HeapWalk
#undef HeapSummary
#undef HeapSetInformation
#undef HeapQueryInformation
#undef GetProcessHeap
#undef GetProcessHeaps
#endif

#endif
