/* SPDX-License-Identifier: MIT */
/* form.h: the 20 forms of operator new and delete, and who serves each in this process.
 *
 *     form                          its default definition calls (the base)
 *     new                           malloc
 *     new, aligned                  aligned_alloc
 *     new[]                         new
 *     new[], aligned                new, aligned
 *     new or new[], nothrow         the same form that throws, and catches
 *     delete, and aligned           free
 *     delete[]                      delete
 *     delete[], aligned             delete, aligned
 *     ... sized, or nothrow         the same form without the size or the tag
 *
 * A program replaces forms by definitions of its own. The linker binds all calls to those of the
 * program, or of a library that is found before this one. Those of a library that is found after it
 * (this one was preloaded) are looked up, and are called from here. The C++ library's definitions,
 * and those of libraries that define malloc too (other allocators), count as defaults. */
#ifndef BARROW_SHIM_FORM_H
#define BARROW_SHIM_FORM_H

#include "os/compiler.h"

/* X(form, name in the Itanium ABI, base, result, parameters); a base comes before what calls it.
 * size_t is "unsigned long" in the names: x86-64 and aarch64 agree. */
#define FORMS_OF_NEW(X)                                                                            \
    X(NEW_ONE, "_Znwm", NEW_ONE, void *, (size_t))                                                 \
    X(NEW_ONE_ALIGNED, "_ZnwmSt11align_val_t", NEW_ONE_ALIGNED, void *, (size_t, size_t))          \
    X(NEW_ARRAY, "_Znam", NEW_ONE, void *, (size_t))                                               \
    X(NEW_ARRAY_ALIGNED, "_ZnamSt11align_val_t", NEW_ONE_ALIGNED, void *, (size_t, size_t))        \
    X(NEW_ONE_NOTHROW, "_ZnwmRKSt9nothrow_t", NEW_ONE, void *, (size_t, const void *))             \
    X(NEW_ARRAY_NOTHROW, "_ZnamRKSt9nothrow_t", NEW_ARRAY, void *, (size_t, const void *))         \
    X(NEW_ONE_ALIGNED_NOTHROW, "_ZnwmSt11align_val_tRKSt9nothrow_t", NEW_ONE_ALIGNED, void *,      \
      (size_t, size_t, const void *))                                                              \
    X(NEW_ARRAY_ALIGNED_NOTHROW, "_ZnamSt11align_val_tRKSt9nothrow_t", NEW_ARRAY_ALIGNED, void *,  \
      (size_t, size_t, const void *))

#define FORMS_OF_DELETE(X)                                                                         \
    X(DELETE_ONE, "_ZdlPv", DELETE_ONE, void, (void *))                                            \
    X(DELETE_ONE_ALIGNED, "_ZdlPvSt11align_val_t", DELETE_ONE_ALIGNED, void, (void *, size_t))     \
    X(DELETE_ARRAY, "_ZdaPv", DELETE_ONE, void, (void *))                                          \
    X(DELETE_ARRAY_ALIGNED, "_ZdaPvSt11align_val_t", DELETE_ONE_ALIGNED, void, (void *, size_t))   \
    X(DELETE_ONE_NOTHROW, "_ZdlPvRKSt9nothrow_t", DELETE_ONE, void, (void *, const void *))        \
    X(DELETE_ARRAY_NOTHROW, "_ZdaPvRKSt9nothrow_t", DELETE_ARRAY, void, (void *, const void *))    \
    X(DELETE_ONE_ALIGNED_NOTHROW, "_ZdlPvSt11align_val_tRKSt9nothrow_t", DELETE_ONE_ALIGNED, void, \
      (void *, size_t, const void *))                                                              \
    X(DELETE_ARRAY_ALIGNED_NOTHROW, "_ZdaPvSt11align_val_tRKSt9nothrow_t", DELETE_ARRAY_ALIGNED,   \
      void, (void *, size_t, const void *))                                                        \
    X(DELETE_ONE_SIZED, "_ZdlPvm", DELETE_ONE, void, (void *, size_t))                             \
    X(DELETE_ARRAY_SIZED, "_ZdaPvm", DELETE_ARRAY, void, (void *, size_t))                         \
    X(DELETE_ONE_ALIGNED_SIZED, "_ZdlPvmSt11align_val_t", DELETE_ONE_ALIGNED, void,                \
      (void *, size_t, size_t))                                                                    \
    X(DELETE_ARRAY_ALIGNED_SIZED, "_ZdaPvmSt11align_val_t", DELETE_ARRAY_ALIGNED, void,            \
      (void *, size_t, size_t))

#define FORMS(X) FORMS_OF_NEW(X) FORMS_OF_DELETE(X)

#define FORM_ENUMERATOR(form, name, base, result, parameters) form,
enum form { FORMS(FORM_ENUMERATOR) FORM_COUNT };

/* Weak, so that a program that is linked with the archive may define the same. A call from here
 * goes to whichever definition the linker chose. */
#define FORM_DECLARATION(form, name, base, result, parameters)                                     \
    EXPORT __attribute__((weak)) result form_##form parameters __asm__(name);
FORMS(FORM_DECLARATION)

/* This library's definitions, whatever the linker chose. */
#define FORM_OWN(form, name, base, result, parameters) extern result own_##form parameters HIDDEN;
FORMS(FORM_OWN)

/* Below this size the form's fast path serves; the operators delete without a size only ask whether it
 * is 0. It is 0 while it is not known who serves the form, and for ever if it is not this library
 * alone. */
extern size_t form_limits[FORM_COUNT] HIDDEN;

/* relaxed: either value will do */
ALWAYS_INLINE size_t form_limit(enum form form)
{
    return READ_RACY(form_limits[form]);
}

enum served {
    SERVED_HERE,
    SERVED_LATER,  /* by a library that is found after this one */
    SERVED_BY_BASE /* the form's base is not this library's alone */
};

/* Finds out at the first call. Any thread. */
enum served form_served_by(enum form form);

/* The same when the library is loaded, if the process has a C++ library by then. */
void form_prepare(void);

/* Calls the definition that follows this library's: another library's own, or the C++ library's. If
 * there is none, calls the base where that is not this library's alone, else returns NULL. */
void *form_call_next_new(enum form form, size_t size, size_t align);

/* Calls the base form, by the program's definition or ours. */
void *form_call_base_new(enum form form, size_t size, size_t align);

/* Both by `served`, which is not SERVED_HERE. */
void form_call_delete(enum form form, enum served served, void *block, size_t size, size_t align);

bool form_is_array(enum form form);

/* A name of the C++ library, wherever it was loaded; NULL if it was not. */
void *form_search(const char *name);

#endif
