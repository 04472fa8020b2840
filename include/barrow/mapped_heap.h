/* SPDX-License-Identifier: MIT */
/* mapped_heap.h: heaps that live in files or shared memory: shared by processes, kept across runs,
 * sound after a crash of any process at any moment. On Linux.
 *
 * The handle is a heap for HeapAlloc, HeapReAlloc, HeapFree, HeapSize, HeapWalk, HeapValidate,
 * HeapCompact, HeapSummary, HeapLock and scopes. The file may be mapped at another address in each
 * process, so what is kept in it are offsets (barrow_heap_offset) or <barrow/mapped_heap.hpp>'s
 * pointers, and roots lead to them.
 *
 * Errors. A function that fails sets the last error (GetLastError), beside those named below:
 *   ERROR_INVALID_HANDLE     not a mapped heap that is open in this process
 *   ERROR_ACCESS_DENIED      the heap is open for reading only
 *   ERROR_DISK_FULL          no storage: the disk, a quota, or RLIMIT_FSIZE
 * HeapAlloc fails with ERROR_DISK_FULL too; no access to a block ever raises a signal for it.
 *
 * Threads. Any number of threads of any number of processes may call any function at the same time.
 * During barrow_heap_close and HeapDestroy this process may make no other call on the heap. The
 * child of a fork has the heap open too. */
#ifndef BARROW_MAPPED_HEAP_H
#define BARROW_MAPPED_HEAP_H

#include <barrow/barrow.h>
#include <barrow/heapapi.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BARROW_HEAP_READ_ONLY = 1,   /* walk and read; the file must exist and is not changed */
    BARROW_HEAP_MUST_EXIST = 2,  /* fail with ERROR_FILE_NOT_FOUND rather than create it */
    BARROW_HEAP_MUST_BE_NEW = 4, /* fail with ERROR_FILE_EXISTS if it exists */
    BARROW_HEAP_DURABLE_OPEN =
        8,                  /* the disk knows that the heap is open before this returns, so that
                                     the first sync is not needed for the promise of power loss */
    BARROW_HEAP_REPAIR = 16 /* a damaged heap is repaired rather than refused; blocks whose
                                     headers can't be recognised are lost */
};

/* Opens the heap in the file, or creates it. `initial` and `maximum` are bytes for a new heap's
 * blocks and lists, rounded up to 64 KiB; the file has 128 KiB besides. At most 1 TiB - 1 MiB. An
 * existing heap keeps its maximum, and both are ignored. NULL: failed. Errors:
 *   ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_FILE_EXISTS, ERROR_ACCESS_DENIED
 *   ERROR_INVALID_PARAMETER  unknown flags, or `maximum` is 0 or too large for a new heap
 *   ERROR_BAD_FORMAT         not a heap's file, or one of another version or byte order
 *   ERROR_FILE_CORRUPT       a heap's file that is damaged or cut off
 *   ERROR_NOT_SUPPORTED      the file system has no locks
 *   ERROR_NOT_ENOUGH_MEMORY  no address space for `maximum`; ERROR_TOO_MANY_OPEN_FILES: the heap is
 *                            open in 4096 processes */
BARROW_API HANDLE barrow_heap_open_file(const char *path, SIZE_T initial, SIZE_T maximum,
                                        DWORD flags);

/* The same, mapped at `address` (a multiple of the page size) or not at all
 * (ERROR_INVALID_ADDRESS). */
BARROW_API HANDLE barrow_heap_open_file_at(const char *path, SIZE_T initial, SIZE_T maximum,
                                           DWORD flags, void *address);

/* Opens or creates a heap in a section that CreateFileMapping or OpenFileMapping has returned: in
 * its file, or in its memory, which a name may share. The section's size is the heap's maximum with
 * the 128 KiB; a heap in memory does not outlive the section's handles and mappings. The section may
 * be closed afterwards. `maximum` must be 0 or what the section can hold. */
BARROW_API HANDLE barrow_heap_open_section(HANDLE section, SIZE_T initial, SIZE_T maximum,
                                           DWORD flags);

/* Closes the heap in this process and keeps its blocks. The last process that does so has written
 * everything to the disk when this returns. FALSE: a write failed (ERROR_DISK_FULL,
 * ERROR_WRITE_FAULT); the handle is gone nevertheless. HeapDestroy frees all blocks and roots. */
BARROW_API BOOL barrow_heap_close(HANDLE heap);

/* Returns when a copy of the heap as it is now is on the disk, beside the file (PATH.synced). After
 * power was lost, the next opening finds the state of the last sync that returned; after the death
 * of processes only, the latest state. Costs what copying the file costs, nearly nothing where the
 * file system shares storage (reflink). Heaps in memory: ERROR_NOT_SUPPORTED. */
BARROW_API BOOL barrow_heap_sync(HANDLE heap);

/* A copy of the heap as another file, while others work; an existing file is replaced at the end, as
 * a whole. What programs write into their blocks meanwhile may be in it or not. */
BARROW_API BOOL barrow_heap_snapshot(HANDLE heap, const char *path);

/* Where in the file the address is, for any process: 0 for NULL. Addresses outside: 0 and
 * ERROR_INVALID_PARAMETER. And back; NULL for 0 and for an offset outside the heap. */
BARROW_API uint64_t barrow_heap_offset(HANDLE heap, const void *address);
BARROW_API void *barrow_heap_pointer(HANDLE heap, uint64_t offset);

/* The handle of the mapped heap in which the address lies, of those that are open in this process;
 * NULL: none. Leaves the last error alone. */
BARROW_API HANDLE barrow_mapped_heap_of(const void *address);

/* ---- roots ---------------------------------------------------------------------------------- */

enum { BARROW_ROOT_NAME_SIZE = 56, BARROW_ROOT_COUNT = 256 };

/* Gives the block a name, which another block may have had; a block of NULL removes the name. Atomic, also
 * if the process dies. ERROR_INVALID_PARAMETER: not a block in use, or a name that is empty or has
 * BARROW_ROOT_NAME_SIZE bytes or more; ERROR_NOT_ENOUGH_MEMORY: there are BARROW_ROOT_COUNT names. */
BARROW_API BOOL barrow_heap_set_root(HANDLE heap, const char *name, const void *block);

/* NULL with ERROR_FILE_NOT_FOUND: the name does not exist, or its block was freed. Remove a root before
 * its block is freed: another block may be allocated at the same place. */
BARROW_API void *barrow_heap_root(HANDLE heap, const char *name);

/* The next root from *position on, which is 0 at first: its name, with the 0 at its end, and its
 * block. FALSE with ERROR_NO_MORE_ITEMS at the end. */
BARROW_API BOOL barrow_heap_next_root(HANDLE heap, DWORD *position,
                                      char name[BARROW_ROOT_NAME_SIZE], void **block);

/* ---- figures of the file -------------------------------------------------------------------- */

enum { BARROW_HEAP_TYPE_SIZE = 64 };

struct barrow_mapped_heap_info {
    size_t size;        /* set by the caller to sizeof(struct barrow_mapped_heap_info) */
    uint64_t file_size; /* bytes */
    uint64_t maximum;   /* of them for blocks and lists */
    uint64_t user_version;
    char type[BARROW_HEAP_TYPE_SIZE];
    uint64_t openings;   /* for writing, ever */
    uint64_t recoveries; /* what dead processes left, put in order, ever */
    uint64_t syncs;      /* ever */
    uint32_t damaged;    /* 1: something was met that no call has written */
    uint32_t read_only;
};

BARROW_API BOOL barrow_mapped_heap_info(HANDLE heap, struct barrow_mapped_heap_info *info);

/* The program's own name and version of what is in the heap: kept with it, compared by the program.
 * The name has less than BARROW_HEAP_TYPE_SIZE bytes. Atomic. */
BARROW_API BOOL barrow_heap_set_type(HANDLE heap, const char *type, uint64_t version);

/* ---- blocks that nothing points to ----------------------------------------------------------- */

/* Calls visit(visitor, p) for each pointer p in the block; p may point into a block. */
typedef void barrow_trace_call(HANDLE heap, void *block, SIZE_T size,
                               void (*visit)(void *visitor, const void *pointer), void *visitor,
                               void *context);

/* Frees each block that can't be reached from a root, as one whose process died before it had stored
 * the block's place anywhere. `trace` NULL: conservatively; each aligned word counts that is an
 * address in the heap, an offset, or a distance from itself (<barrow/mapped_heap.hpp>'s pointers).
 * *freed, if not NULL: how many. Nobody else may use the heap meanwhile: it is locked, but a block
 * that another thread has only in its variables is freed. `trace` must not allocate or free here. */
BARROW_API BOOL barrow_heap_collect(HANDLE heap, barrow_trace_call *trace, void *context,
                                    uint64_t *freed);

#ifdef __cplusplus
}
#endif

#endif
