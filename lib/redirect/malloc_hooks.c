/* SPDX-License-Identifier: MIT */
/* malloc_hooks.c: malloc and its family as other modules import them from a run-time: a shorter way
 * for what would arrive at heap_hooks.c all the same. Only what succeeds at once is done here.
 * Anything else is the run-time's: errno, new handlers, exceptions, parameters it complains about,
 * other blocks.
 *
 * A hook cannot see which run-time its caller is linked with, and needs to. So there is an instance
 * of each for every entry of the run-times' table. */
#include "redirect/backend.h"
#include "redirect/hooks.h"

#define ORIGINAL(i, function) runtimes[i].original[RUNTIME_##function]

ALWAYS_INLINE void *hook_alloc(size_t size, bool zero)
{
    void *block = backend_alloc(size, zero);
    redirect_count_if(block != NULL, &redirect_counts.direct);
    return block;
}

ALWAYS_INLINE void *hook_calloc(size_t count, size_t size)
{
    size_t bytes;
    return product_overflows(count, size, &bytes) ? NULL : hook_alloc(bytes, true);
}

ALWAYS_INLINE void *hook_realloc(void *block, size_t size)
{
    if (block == NULL)
        return hook_alloc(size, false);
    if (size == 0 || !backend_owns(block))
        return NULL;
    void *resized = backend_realloc(block, size, 0, "realloc");
    redirect_count_if(resized != NULL, &redirect_counts.resized);
    return resized;
}

/* False: not ours. */
ALWAYS_INLINE bool hook_free(void *block, const char *call)
{
    if (unlikely(!backend_owns(block)))
        return block == NULL;
    redirect_count(&redirect_counts.freed);
    backend_free(block, call);
    return true;
}

#define INSTANCE(i)                                                                                \
    static void *malloc_##i(size_t size)                                                           \
    {                                                                                              \
        void *block = hook_alloc(size, false);                                                     \
        return block ? block : ORIGINAL(i, MALLOC).alloc(size);                                    \
    }                                                                                              \
    static void *calloc_##i(size_t count, size_t size)                                             \
    {                                                                                              \
        void *block = hook_calloc(count, size);                                                    \
        return block ? block : ORIGINAL(i, CALLOC).calloc(count, size);                            \
    }                                                                                              \
    static void *realloc_##i(void *block, size_t size)                                             \
    {                                                                                              \
        void *resized = hook_realloc(block, size);                                                 \
        return resized ? resized : ORIGINAL(i, REALLOC).realloc(block, size);                      \
    }                                                                                              \
    static void free_##i(void *block)                                                              \
    {                                                                                              \
        if (!hook_free(block, "free"))                                                             \
            ORIGINAL(i, FREE).free(block);                                                         \
    }                                                                                              \
    static size_t msize_##i(void *block)                                                           \
    {                                                                                              \
        return backend_owns(block) ? backend_size(block, "_msize")                                 \
                                   : ORIGINAL(i, MSIZE).msize(block);                              \
    }                                                                                              \
    static void *new_##i(size_t size)                                                              \
    {                                                                                              \
        void *block = hook_alloc(size, false);                                                     \
        return block ? block : ORIGINAL(i, NEW).alloc(size);                                       \
    }                                                                                              \
    static void delete_##i(void *block)                                                            \
    {                                                                                              \
        if (!hook_free(block, "operator delete"))                                                  \
            ORIGINAL(i, DELETE).free(block);                                                       \
    }

INSTANCE(0)
INSTANCE(1)
INSTANCE(2)
INSTANCE(3)
INSTANCE(4)
INSTANCE(5)

/* In the order of enum runtime_function. */
#define INSTANCES(i)                                                                               \
    {                                                                                              \
        malloc_##i, calloc_##i, realloc_##i, free_##i, msize_##i, new_##i, delete_##i              \
    }

static void *const instances[RUNTIMES_MAX][RUNTIME_FUNCTIONS] = {
    INSTANCES(0), INSTANCES(1), INSTANCES(2), INSTANCES(3), INSTANCES(4), INSTANCES(5),
};

void *malloc_hook(const struct runtime *runtime, enum runtime_function function)
{
    return instances[runtime - runtimes][function];
}
