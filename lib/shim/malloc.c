/* SPDX-License-Identifier: MIT */
/* malloc's face: POSIX.1-2024, C23, and glibc's manual for the rest. Each function exists as
 * barrow_NAME; the plain names are aliases, unless the build leaves them alone. */
#include "barrow/barrow.h"
#include "heap/heap.h"
#include "heap/process.h"
#include "heap/purge.h"
#include "heap/sized.h"
#include "os/vm.h"
#include "shim/face.h"

#include <errno.h>
#include <stdatomic.h>

/* Fails for sizes that no object may have: ptrdiff_t must hold the distance of any two elements. */
static bool is_impossible(size_t size)
{
    return size > PTRDIFF_MAX;
}

static COLD void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static COLD void *invalid(void)
{
    errno = EINVAL;
    return NULL;
}

static COLD void *refused(void)
{
    process_heap_refused();
    return out_of_memory();
}

static inline void *or_out_of_memory(void *block)
{
    return likely(block != NULL) ? block : refused();
}

EXPORT void *barrow_malloc(size_t size)
{
    return or_out_of_memory(heap_alloc(size));
}

EXPORT void *barrow_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (unlikely(product_overflows(count, size, &bytes)))
        return out_of_memory();
    return or_out_of_memory(heap_alloc_zero(bytes));
}

EXPORT void barrow_free(void *block)
{
    heap_free(block, "free");
}

static void *resize(void *block, size_t size, const char *call)
{
    if (block == NULL)
        return or_out_of_memory(heap_alloc(size));
    if (size == 0) { /* as glibc does */
        heap_free(block, call);
        return NULL;
    }
    if (unlikely(is_impossible(size)))
        return out_of_memory();
    return or_out_of_memory(heap_realloc(block, size, call));
}

EXPORT void *barrow_realloc(void *block, size_t size)
{
    return resize(block, size, "realloc");
}

EXPORT void *barrow_reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (unlikely(product_overflows(count, size, &bytes)))
        return out_of_memory();
    return resize(block, bytes, "reallocarray");
}

EXPORT void barrow_free_sized(void *block, size_t size)
{
    heap_free_sized(block, size, SIZED_RESIZED, "free_sized");
}

EXPORT void barrow_free_aligned_sized(void *block, size_t alignment, size_t size)
{
    if (unlikely(!heap_free_aligned_sized_fast(block, alignment, size, SMALL_LIMIT)))
        heap_free_sized_slow(block, alignment, size, SIZED_RESIZED, "free_aligned_sized");
}

/* alignment is a power of two */
static void *alloc_aligned(size_t alignment, size_t size)
{
    if (unlikely(is_impossible(size)))
        return NULL;
    return alignment <= 16 && size >= alignment ? heap_alloc(size)
                                                : heap_alloc_aligned(alignment, size);
}

EXPORT int barrow_posix_memalign(void **out, size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
        return EINVAL;
    void *block = alloc_aligned(alignment, size);
    if (block == NULL) {
        process_heap_refused();
        return ENOMEM;
    }
    *out = block;
    return 0;
}

EXPORT void *barrow_aligned_alloc(size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment))
        return invalid();
    return or_out_of_memory(alloc_aligned(alignment, size));
}

EXPORT void *barrow_memalign(size_t alignment, size_t size)
{
    if (alignment > SIZE_MAX / 2 + 1)
        return invalid();
    size_t power = 16; /* as glibc does: the next power of two */
    while (power < alignment)
        power *= 2;
    return or_out_of_memory(alloc_aligned(power, size));
}

EXPORT size_t barrow_memalignment(const void *address)
{
    uintptr_t bits = (uintptr_t)address;
    return bits & -bits;
}

EXPORT void *barrow_valloc(size_t size)
{
    return or_out_of_memory(alloc_aligned(os_page_size(), size));
}

EXPORT void *barrow_pvalloc(size_t size)
{
    if (unlikely(is_impossible(size)))
        return out_of_memory();
    size_t page = os_page_size();
    return or_out_of_memory(alloc_aligned(page, round_up(size, page)));
}

EXPORT size_t barrow_malloc_usable_size(void *block)
{
    return block == NULL ? 0 : heap_usable_size(block, "malloc_usable_size");
}

EXPORT int barrow_malloc_trim(size_t pad)
{
    (void)pad;
    return purge_all() > 0;
}

#if BARROW_OVERRIDE_MALLOC
#include <dlfcn.h>

/* Programs with a malloc of their own may leave this one out: glibc asks only for malloc, calloc,
 * realloc and free, and its reallocarray calls whatever realloc the process has. So does this. */
EXPORT void *reallocarray(void *block, size_t count, size_t size);
void *reallocarray(void *block, size_t count, size_t size)
{
    static _Atomic(__typeof__(&barrow_realloc)) of_process;
    __typeof__(&barrow_realloc) call = atomic_load_explicit(&of_process, memory_order_relaxed);
    size_t bytes;
    if (unlikely(product_overflows(count, size, &bytes)))
        return out_of_memory();
    if (unlikely(call == NULL)) {
        call = (__typeof__(call))dlsym(RTLD_DEFAULT, "realloc");
        call = call != NULL ? call : barrow_realloc; /* a static binary */
        atomic_store_explicit(&of_process, call, memory_order_relaxed);
    }
    return call(block, bytes);
}

FACE(void *, malloc, (size_t));
FACE(void *, calloc, (size_t, size_t));
FACE(void *, realloc, (void *, size_t));
FACE(void, free, (void *));
FACE(void, free_sized, (void *, size_t));
FACE(void, free_aligned_sized, (void *, size_t, size_t));
FACE(int, posix_memalign, (void **, size_t, size_t));
FACE(void *, aligned_alloc, (size_t, size_t));
FACE(void *, memalign, (size_t, size_t));
FACE(size_t, memalignment, (const void *));
FACE(void *, valloc, (size_t));
FACE(void *, pvalloc, (size_t));
FACE(size_t, malloc_usable_size, (void *));
FACE(int, malloc_trim, (size_t));
void cfree(void *) __attribute__((alias("barrow_free"), visibility("default")));
#endif
