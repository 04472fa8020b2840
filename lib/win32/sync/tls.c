/* SPDX-License-Identifier: MIT */
/* tls.c: TlsAlloc and its kin. Indexes are taken by bits in one field for the process. A thread's
 * values lie in pages of 64, which are made when the first of them is set, and freed when the thread
 * ends. A value counts only while it has the generation of its index, which TlsAlloc raises: so an
 * index that is used again reads as NULL in every thread. */
#include "win32/host/internal.h"

#include "barrow/processthreadsapi.h"
#include "win32/host/meta.h"

#include <pthread.h>
#include <stdatomic.h>

#define PAGE_VALUES 64
#define PAGES       (TLS_MAXIMUM_AVAILABLE / PAGE_VALUES)

struct value {
    LPVOID pointer;
    uint32_t generation;
};

struct value_page {
    struct value values[PAGE_VALUES];
};

struct values {
    struct value_page *pages[PAGES];
};

static _Atomic uint64_t used[PAGES];
static _Atomic uint32_t generations[TLS_MAXIMUM_AVAILABLE];
static THREAD_LOCAL struct values *mine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_key;
static bool has_end_key;

static void free_values(void *of_thread)
{
    struct values *values = of_thread;
    mine = NULL;
    for (size_t i = 0; i < PAGES; i++)
        meta_free(values->pages[i], sizeof(struct value_page));
    meta_free(values, sizeof(*values));
}

static void make_end_key(void)
{
    has_end_key = pthread_key_create(&end_key, free_values) == 0;
}

static struct values *make_values(void)
{
    pthread_once(&once, make_end_key);
    struct values *values = has_end_key ? meta_alloc(sizeof(*values)) : NULL;
    if (values == NULL)
        return NULL;
    if (pthread_setspecific(end_key, values) != 0) {
        meta_free(values, sizeof(*values));
        return NULL;
    }
    mine = values;
    return values;
}

/* The place of the calling thread's value; NULL when it has none, and none is to be made or memory
 * has run out. */
static struct value *find(DWORD index, bool make)
{
    struct values *values = mine;
    if (values == NULL && make)
        values = make_values();
    if (values == NULL)
        return NULL;
    struct value_page **page = &values->pages[index / PAGE_VALUES];
    if (*page == NULL && make)
        *page = meta_alloc(sizeof(**page));
    return *page != NULL ? &(*page)->values[index % PAGE_VALUES] : NULL;
}

static bool take_bit(_Atomic uint64_t *field, unsigned *bit)
{
    uint64_t before = atomic_load(field);
    while (~before != 0) {
        *bit = lowest_bit(~before);
        if (atomic_compare_exchange_weak(field, &before, before | UINT64_C(1) << *bit))
            return true;
    }
    return false;
}

DWORD TlsAlloc(void)
{
    unsigned bit;
    for (DWORD page = 0; page < PAGES; page++) {
        if (!take_bit(&used[page], &bit))
            continue;
        DWORD index = page * PAGE_VALUES + bit;
        atomic_fetch_add(&generations[index], 1);
        return index;
    }
    SetLastError(ERROR_NO_MORE_ITEMS);
    return TLS_OUT_OF_INDEXES;
}

BOOL TlsFree(DWORD index)
{
    if (index >= TLS_MAXIMUM_AVAILABLE)
        return fail(ERROR_INVALID_PARAMETER);
    uint64_t bit = UINT64_C(1) << (index % PAGE_VALUES);
    uint64_t before = atomic_fetch_and(&used[index / PAGE_VALUES], ~bit);
    return (before & bit) != 0 ? TRUE : fail(ERROR_INVALID_PARAMETER);
}

LPVOID TlsGetValue(DWORD index)
{
    if (index >= TLS_MAXIMUM_AVAILABLE)
        return fail_null(ERROR_INVALID_PARAMETER);
    SetLastError(ERROR_SUCCESS);
    const struct value *value = find(index, false);
    /* relaxed: TlsAlloc's caller hands the index on in a way that orders it */
    uint32_t now = atomic_load_explicit(&generations[index], memory_order_relaxed);
    return value != NULL && value->generation == now ? value->pointer : NULL;
}

BOOL TlsSetValue(DWORD index, LPVOID pointer)
{
    if (index >= TLS_MAXIMUM_AVAILABLE)
        return fail(ERROR_INVALID_PARAMETER);
    struct value *value = find(index, pointer != NULL);
    if (value == NULL)
        return pointer == NULL ? TRUE : fail(ERROR_NOT_ENOUGH_MEMORY);
    value->pointer = pointer;
    value->generation = atomic_load_explicit(&generations[index], memory_order_relaxed);
    return TRUE;
}
