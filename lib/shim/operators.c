/* SPDX-License-Identifier: MIT */
/* C++'s operators new and delete, under the names that the Itanium ABI gives them, so that a C
 * program need not load a C++ library. What failure needs of one (the new-handler, bad_alloc) is
 * looked up when it happens. ISO C++20, [new.delete]. */
#if BARROW_OVERRIDE_MALLOC

#include "diag/message.h"
#include "heap/heap.h"
#include "os/process.h"

#include <dlfcn.h>

/* size_t is "unsigned long" in the names: x86-64 and aarch64 agree. */
#define OPERATOR(result, name, parameters)                                                         \
    EXPORT result name parameters;                                                                 \
    result name parameters

typedef void new_handler(void);

extern new_handler *_ZSt15get_new_handlerv(void) __attribute__((weak));
extern void *__cxa_allocate_exception(size_t) __attribute__((weak));
extern void __cxa_throw(void *, void *, void (*)(void *)) __attribute__((weak, noreturn));
extern char _ZTISt9bad_alloc[] __attribute__((weak));
extern char _ZTVSt9bad_alloc[] __attribute__((weak));
extern void _ZNSt9bad_allocD1Ev(void *) __attribute__((weak));

/* Weak, so that a static program gets by without a loader. */
extern void *dlopen(const char *, int) __attribute__((weak));
extern void *dlsym(void *, const char *) __attribute__((weak));

/* A weak name is bound when this library is loaded. A C++ library that came later is found by
 * search; if it came with a plugin, loaded apart, only by its own name. */
static COLD void *search(const char *name)
{
    static const char *const libraries[] = { "libstdc++.so.6", "libc++abi.so.1" };
    if (dlsym == NULL || dlopen == NULL)
        return NULL;
    void *found = dlsym(RTLD_DEFAULT, name);
    for (size_t i = 0; found == NULL && i < sizeof libraries / sizeof libraries[0]; i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL)
            found = dlsym(library, name);
    }
    return found;
}

#define FIND(name) ((__typeof__(&name))(&name != NULL ? (void *)&name : search(#name)))

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
        if (handler == NULL)
            throw_bad_alloc();
        handler();
    }
    return block;
}

/* A new-handler may throw bad_alloc, which the nothrow forms must turn into NULL. C can't catch;
 * the C++ library's own nothrow form can, and it calls our throwing one. */
static COLD void *alloc_or_null(const char *name, size_t align, size_t size)
{
    static const char nothrow;
    if (current_handler() == NULL)
        return NULL;
    void *next = dlsym != NULL ? dlsym(RTLD_NEXT, name) : NULL;
    if (next == NULL)
        return NULL;
    return align <= 16 ? ((void *(*)(size_t, const void *))next)(size, &nothrow)
                       : ((void *(*)(size_t, size_t, const void *))next)(size, align, &nothrow);
}

static inline void *new_plain(size_t size)
{
    void *block = heap_alloc(size);
    return likely(block != NULL) ? block : alloc_or_throw(1, size);
}

static inline void *new_aligned(size_t size, size_t align)
{
    void *block = try_alloc(align, size);
    return likely(block != NULL) ? block : alloc_or_throw(align, size);
}

static inline void *new_nothrow(const char *name, size_t size, size_t align)
{
    void *block = try_alloc(align, size);
    return likely(block != NULL) ? block : alloc_or_null(name, align, size);
}

/* clang-format off */
OPERATOR(void *, _Znwm, (size_t size)) { return new_plain(size); }
OPERATOR(void *, _Znam, (size_t size)) { return new_plain(size); }
OPERATOR(void *, _ZnwmSt11align_val_t, (size_t size, size_t align)) { return new_aligned(size, align); }
OPERATOR(void *, _ZnamSt11align_val_t, (size_t size, size_t align)) { return new_aligned(size, align); }
OPERATOR(void *, _ZnwmRKSt9nothrow_t, (size_t size, const void *tag))
{ (void)tag; return new_nothrow("_ZnwmRKSt9nothrow_t", size, 1); }
OPERATOR(void *, _ZnamRKSt9nothrow_t, (size_t size, const void *tag))
{ (void)tag; return new_nothrow("_ZnamRKSt9nothrow_t", size, 1); }
OPERATOR(void *, _ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag))
{ (void)tag; return new_nothrow("_ZnwmSt11align_val_tRKSt9nothrow_t", size, align); }
OPERATOR(void *, _ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag))
{ (void)tag; return new_nothrow("_ZnamSt11align_val_tRKSt9nothrow_t", size, align); }

/* The size and alignment that some forms are told are not needed. */
OPERATOR(void, _ZdlPv, (void *block)) { heap_free(block, "operator delete"); }
OPERATOR(void, _ZdaPv, (void *block)) { heap_free(block, "operator delete[]"); }
#define ALIAS(name, of, ...) EXPORT void name(__VA_ARGS__) __attribute__((alias(#of)))
ALIAS(_ZdlPvm, _ZdlPv, void *);
ALIAS(_ZdlPvSt11align_val_t, _ZdlPv, void *);
ALIAS(_ZdlPvmSt11align_val_t, _ZdlPv, void *);
ALIAS(_ZdlPvRKSt9nothrow_t, _ZdlPv, void *);
ALIAS(_ZdlPvSt11align_val_tRKSt9nothrow_t, _ZdlPv, void *);
ALIAS(_ZdaPvm, _ZdaPv, void *);
ALIAS(_ZdaPvSt11align_val_t, _ZdaPv, void *);
ALIAS(_ZdaPvmSt11align_val_t, _ZdaPv, void *);
ALIAS(_ZdaPvRKSt9nothrow_t, _ZdaPv, void *);
ALIAS(_ZdaPvSt11align_val_tRKSt9nothrow_t, _ZdaPv, void *);
/* clang-format on */

#endif
