/* SPDX-License-Identifier: MIT */
/* C++'s operators new and delete, under the names that the Itanium ABI gives them, so that a C
 * program need not load a C++ library. What failure needs of one (the new-handler, bad_alloc) is
 * looked up when it happens. ISO C++20, [new.delete].
 *
 * A program may replace any of the 20 forms, and the others must then reach its own as the
 * standard's default definitions do; form.h says which form calls which. So a form is served here
 * only while all that its default definition would call is ours too. */
#if BARROW_OVERRIDE_MALLOC

#include "diag/message.h"
#include "heap/process.h"
#include "heap/sized.h"
#include "os/process.h"
#include "shim/form.h"

typedef void new_handler(void);

extern new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
extern void *__cxa_allocate_exception(size_t) __attribute__((weak));
extern void __cxa_throw(void *, void *, void (*)(void *)) __attribute__((weak, noreturn));
extern char _ZTISt9bad_alloc[] __attribute__((weak));
extern char _ZTVSt9bad_alloc[] __attribute__((weak));
extern void _ZNSt9bad_allocD1Ev(void *) __attribute__((weak));

#define FIND(name) ((__typeof__(&name))(&name != NULL ? (void *)&name : form_search(#name)))

/* ---- out of memory ------------------------------------------------------------------------ */

static COLD new_handler *current_handler(void)
{
    __typeof__(&_ZSt15get_new_handlerv) get = FIND(_ZSt15get_new_handlerv);
    return get == NULL ? NULL : get();
}

/* The object is a std::bad_alloc: a pointer to its table of virtual functions, past the table's two
 * leading words. */
static COLD _Noreturn void throw_bad_alloc(void)
{
    __typeof__(&__cxa_allocate_exception) allocate = FIND(__cxa_allocate_exception);
    __typeof__(&__cxa_throw) throw_it = FIND(__cxa_throw);
    char *table = (char *)FIND(_ZTVSt9bad_alloc), *type = (char *)FIND(_ZTISt9bad_alloc);
    if (allocate == NULL || throw_it == NULL || table == NULL || type == NULL) {
        message("operator new: out of memory, and no C++ library to throw bad_alloc with");
        os_abort();
    }
    void **object = allocate(sizeof(void *));
    *object = table + 2 * sizeof(void *);
    throw_it(object, type, (void (*)(void *))FIND(_ZNSt9bad_allocD1Ev));
    __builtin_unreachable();
}

static void *try_alloc(size_t align, size_t size)
{
    if (size > PTRDIFF_MAX || (align & (align - 1)) != 0)
        return NULL;
    return align <= 16 ? heap_alloc(size) : heap_alloc_aligned(align, size);
}

static COLD void *alloc_or_throw(size_t align, size_t size)
{
    void *block;
    while ((block = try_alloc(align, size)) == NULL) {
        new_handler *handler = current_handler();
        if (handler == NULL) {
            process_heap_refused();
            throw_bad_alloc();
        }
        handler();
    }
    return block;
}

/* ---- operator new ------------------------------------------------------------------------- */

/* What the fast path left: the form may be the program's to serve, or not be known yet. */
static NOINLINE void *new_slow(enum form form, size_t size, size_t align)
{
    switch (form_served_by(form)) {
    case SERVED_LATER:
        return form_call_next_new(form, size, align);
    case SERVED_BY_BASE:
        return form_call_base_new(form, size, align);
    default:
        return alloc_or_throw(align, size);
    }
}

/* C can't catch what a replaced operator new or a new-handler throws. The C++ library's own form
 * can, and it calls the throwing one. */
static NOINLINE void *new_nothrow_slow(enum form form, size_t size, size_t align)
{
    if (form_served_by(form) == SERVED_HERE) {
        void *block = try_alloc(align, size);
        if (block != NULL)
            return block;
        if (current_handler() == NULL) {
            process_heap_refused();
            return NULL;
        }
    }
    return form_call_next_new(form, size, align);
}

ALWAYS_INLINE void *new_plain(enum form form, size_t size)
{
    void *block = heap_alloc_fast(size, form_limit(form));
    return likely(block != NULL) ? block : new_slow(form, size, 1);
}

ALWAYS_INLINE void *new_nothrow(enum form form, size_t size)
{
    void *block = heap_alloc_fast(size, form_limit(form));
    return likely(block != NULL) ? block : new_nothrow_slow(form, size, 1);
}

ALWAYS_INLINE void *aligned_fast(enum form form, size_t size, size_t align)
{
    return likely(form_limit(form) != 0) ? try_alloc(align, size) : NULL;
}

ALWAYS_INLINE void *new_aligned(enum form form, size_t size, size_t align)
{
    void *block = aligned_fast(form, size, align);
    return likely(block != NULL) ? block : new_slow(form, size, align);
}

ALWAYS_INLINE void *new_aligned_nothrow(enum form form, size_t size, size_t align)
{
    void *block = aligned_fast(form, size, align);
    return likely(block != NULL) ? block : new_nothrow_slow(form, size, align);
}

#define NEW(form)                                                                                  \
    void *form_##form(size_t size)                                                                 \
    {                                                                                              \
        return new_plain(form, size);                                                              \
    }
#define NEW_ALIGNED(form)                                                                          \
    void *form_##form(size_t size, size_t align)                                                   \
    {                                                                                              \
        return new_aligned(form, size, align);                                                     \
    }
#define NEW_NOTHROW(form)                                                                          \
    void *form_##form(size_t size, const void *nothrow)                                            \
    {                                                                                              \
        (void)nothrow;                                                                             \
        return new_nothrow(form, size);                                                            \
    }
#define NEW_ALIGNED_NOTHROW(form)                                                                  \
    void *form_##form(size_t size, size_t align, const void *nothrow)                              \
    {                                                                                              \
        (void)nothrow;                                                                             \
        return new_aligned_nothrow(form, size, align);                                             \
    }

NEW(NEW_ONE)
NEW(NEW_ARRAY)
NEW_ALIGNED(NEW_ONE_ALIGNED)
NEW_ALIGNED(NEW_ARRAY_ALIGNED)
NEW_NOTHROW(NEW_ONE_NOTHROW)
NEW_NOTHROW(NEW_ARRAY_NOTHROW)
NEW_ALIGNED_NOTHROW(NEW_ONE_ALIGNED_NOTHROW)
NEW_ALIGNED_NOTHROW(NEW_ARRAY_ALIGNED_NOTHROW)

/* ---- operator delete ---------------------------------------------------------------------- */

static const char *call_of(enum form form)
{
    return form_is_array(form) ? "operator delete[]" : "operator delete";
}

static NOINLINE void delete_slow(enum form form, void *block, size_t align)
{
    enum served served = form_served_by(form);
    if (served != SERVED_HERE)
        form_call_delete(form, served, block, 0, align);
    else
        heap_free(block, call_of(form));
}

static NOINLINE void delete_sized_slow(enum form form, void *block, size_t size, size_t align)
{
    enum served served = form_served_by(form);
    if (served != SERVED_HERE)
        form_call_delete(form, served, block, size, align);
    else
        heap_free_sized_slow(block, align, size, SIZED_AS_MADE, call_of(form));
}

ALWAYS_INLINE void delete_plain(enum form form, void *block, size_t align)
{
    if (unlikely(form_limit(form) == 0) || unlikely(!heap_free_fast(block)))
        delete_slow(form, block, align);
}

#define DELETE(form)                                                                               \
    void form_##form(void *block)                                                                  \
    {                                                                                              \
        delete_plain(form, block, 1);                                                              \
    }
#define DELETE_NOTHROW(form)                                                                       \
    void form_##form(void *block, const void *nothrow)                                             \
    {                                                                                              \
        (void)nothrow;                                                                             \
        delete_plain(form, block, 1);                                                              \
    }
#define DELETE_SIZED(form)                                                                         \
    void form_##form(void *block, size_t size)                                                     \
    {                                                                                              \
        if (unlikely(!heap_free_sized_fast(block, size, form_limit(form))))                        \
            delete_sized_slow(form, block, size, 1);                                               \
    }
#define DELETE_ALIGNED(form)                                                                       \
    void form_##form(void *block, size_t align)                                                    \
    {                                                                                              \
        delete_plain(form, block, align);                                                          \
    }
#define DELETE_ALIGNED_NOTHROW(form)                                                               \
    void form_##form(void *block, size_t align, const void *nothrow)                               \
    {                                                                                              \
        (void)nothrow;                                                                             \
        delete_plain(form, block, align);                                                          \
    }
#define DELETE_ALIGNED_SIZED(form)                                                                 \
    void form_##form(void *block, size_t size, size_t align)                                       \
    {                                                                                              \
        if (unlikely(!heap_free_aligned_sized_fast(block, align, size, form_limit(form))))         \
            delete_sized_slow(form, block, size, align);                                           \
    }

DELETE(DELETE_ONE)
DELETE(DELETE_ARRAY)
DELETE_SIZED(DELETE_ONE_SIZED)
DELETE_SIZED(DELETE_ARRAY_SIZED)
DELETE_NOTHROW(DELETE_ONE_NOTHROW)
DELETE_NOTHROW(DELETE_ARRAY_NOTHROW)
DELETE_ALIGNED(DELETE_ONE_ALIGNED)
DELETE_ALIGNED(DELETE_ARRAY_ALIGNED)
DELETE_ALIGNED_SIZED(DELETE_ONE_ALIGNED_SIZED)
DELETE_ALIGNED_SIZED(DELETE_ARRAY_ALIGNED_SIZED)
DELETE_ALIGNED_NOTHROW(DELETE_ONE_ALIGNED_NOTHROW)
DELETE_ALIGNED_NOTHROW(DELETE_ARRAY_ALIGNED_NOTHROW)

#define OWN(form, name, base, result, parameters)                                                  \
    result own_##form parameters __attribute__((alias(name)));
FORMS(OWN)

#endif
