/* SPDX-License-Identifier: MIT */
/* Threads' records (thread_words.h) and threads' ends. The loader tells of an end through a TLS
 * callback, in the DLL and in a program that is linked with the archive alike. */
#include "os/thread.h"

#include "os/child.h"
#include "os/lock.h"
#include "os/windows/module.h"
#include "os/windows/ntdll.h"
#include "os/windows/record.h"

#include <stdatomic.h>
#include <string.h>

/* ---- records ------------------------------------------------------------------------------ */

enum { CHUNK = 64 * 1024 };

uint64_t os_words_place = TEB_ALWAYS_NULL;

static struct os_lock lock; /* of what follows; below the gate, which needs a record */
static DWORD slot = TLS_OUT_OF_INDEXES;
static struct thread_record *free_records;
static struct thread_record *_Atomic newest;

struct thread_record no_record; /* nothing is kept there */

static bool take_slot(void)
{
    if (slot != TLS_OUT_OF_INDEXES)
        return true;
    no_record.words = words_at_start;
    slot = TlsAlloc();
    if (slot < TEB_SLOT_COUNT)
        os_words_place = TEB_SLOTS + slot * sizeof(void *);
    return slot != TLS_OUT_OF_INDEXES;
}

static void make_records(void)
{
    struct thread_record *chunk =
        VirtualAlloc(NULL, CHUNK, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (chunk == NULL)
        return;
    for (size_t i = 0; i < CHUNK / sizeof *chunk; i++) {
        chunk[i].next = free_records;
        free_records = &chunk[i];
        chunk[i].next_made = atomic_load_explicit(&newest, memory_order_relaxed);
        /* release: who finds the record finds it whole */
        atomic_store_explicit(&newest, &chunk[i], memory_order_release);
    }
}

struct thread_record *records_made(void)
{
    return atomic_load_explicit(&newest, memory_order_acquire);
}

static struct thread_record *take_record(void)
{
    os_lock_acquire(&lock);
    if (free_records == NULL)
        make_records();
    struct thread_record *record = free_records;
    if (record != NULL)
        free_records = record->next;
    os_lock_release(&lock);
    return record;
}

static void give_record(struct thread_record *record)
{
    os_lock_acquire(&lock);
    record->next = free_records;
    free_records = record;
    os_lock_release(&lock);
}

/* The slot's value, however late it is. TlsGetValue sets the last error even when all is well. */
static struct thread_words *find_words(void)
{
    DWORD error = GetLastError();
    struct thread_words *words = slot == TLS_OUT_OF_INDEXES ? NULL : TlsGetValue(slot);
    SetLastError(error);
    return words;
}

static struct thread_words *make_words(void)
{
    struct thread_record *record = take_record();
    if (record == NULL)
        return &no_record.words;
    record->words = words_at_start;
    memset(record->exits, 0, sizeof record->exits);
    if (!TlsSetValue(slot, &record->words)) {
        give_record(record);
        return &no_record.words;
    }
    return &record->words;
}

struct thread_words *os_find_thread_words(void)
{
    struct thread_words *words = find_words();
    if (words != NULL)
        return words;
    os_lock_acquire(&lock);
    bool there = take_slot();
    os_lock_release(&lock);
    return there ? make_words() : &no_record.words;
}

/* ---- thread exit -------------------------------------------------------------------------- */

void os_thread_prepare(void) {}

static bool is_ended(void)
{
    return thread_words() == &no_record.words;
}

bool os_thread_is_past_end(enum os_exit which)
{
    (void)which;
    return is_ended();
}

bool os_thread_on_exit(enum os_exit which, void (*on_exit)(void *), void *argument)
{
    struct thread_record *record = (struct thread_record *)(void *)thread_words();
    if (record == &no_record)
        return false;
    record->exits[which].call = on_exit;
    record->exits[which].argument = argument;
    return true;
}

bool os_thread_is_ending(void)
{
    return is_ended();
}

/* DLLs that are notified later, the C run-time among them, may still free. */
static void end_thread(void)
{
    struct thread_record *record = (struct thread_record *)(void *)find_words();
    if (record == NULL || record == &no_record)
        return;
    for (int i = OS_EXITS - 1; i >= 0; i--) /* malloc's last */
        if (record->exits[i].call != NULL)
            record->exits[i].call(record->exits[i].argument);
    TlsSetValue(slot, &no_record.words);
    give_record(record);
}

/* ---- the module --------------------------------------------------------------------------- */

bool os_is_wine;

/* Threads hold blocks, and one may be at work here: neither the DLL nor a DLL that the archive is
 * part of may be unloaded. */
static void stay_loaded(const void *inside)
{
    HMODULE module;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       (LPCWSTR)inside, &module);
}

static void NTAPI on_loader_call(void *module, DWORD reason, void *reserved)
{
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        stay_loaded(module);
        /* here and not at first use: now the loader's lock is held, and no lock of the library */
        os_is_wine = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
    } else if (reason == DLL_THREAD_DETACH) {
        end_thread();
    }
}

/* The C run-time's start-up code has the table of callbacks that this becomes part of. */
#if defined(_MSC_VER)
#pragma comment(linker, "/INCLUDE:_tls_used")
#pragma comment(linker, "/INCLUDE:barrow_os_loader_call")
#pragma const_seg(".CRT$XLD")
extern const PIMAGE_TLS_CALLBACK barrow_os_loader_call;
const PIMAGE_TLS_CALLBACK barrow_os_loader_call = on_loader_call;
#pragma const_seg()
#else
__attribute__((section(".CRT$XLD"), used)) static const PIMAGE_TLS_CALLBACK barrow_os_loader_call =
    on_loader_call;
#endif

/* ---- the end of the process --------------------------------------------------------------- */

static void (*fork_child)(void);
static bool is_after_shutdown;

void os_on_fork_child(void (*child)(void))
{
    fork_child = child;
}

bool os_child_is_first_thread(void)
{
    return true; /* ExitProcess has stopped all others */
}

void os_after_shutdown(void)
{
    if (is_after_shutdown || fork_child == NULL)
        return;
    is_after_shutdown = true;
    fork_child();
}

/* ---- barrier ------------------------------------------------------------------------------ */

bool os_barrier_is_there(void)
{
    return true;
}

/* The caller is about to wait for other threads, which do not exist any more after ExitProcess. */
void os_barrier(void)
{
    if (RtlDllShutdownInProgress())
        os_after_shutdown();
    FlushProcessWriteBuffers();
}

void os_sleep_ms(uint32_t milliseconds)
{
    Sleep(milliseconds);
}

void os_yield(void)
{
    SwitchToThread();
}
