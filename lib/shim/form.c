/* SPDX-License-Identifier: MIT */
/* form.c: which definition of each operator new and delete the process uses. */
#if BARROW_OVERRIDE_MALLOC

#include "shim/form.h"

#include "heap/theap.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

/* Weak, so that a static program needs no loader. */
extern int dlclose(void *) __attribute__((weak));
extern void *dlsym(void *, const char *) __attribute__((weak));

/* Present when the C++ library was loaded with the program. */
extern char _ZSt7nothrow[] __attribute__((weak));

/* ---- the forms ---------------------------------------------------------------------------- */

#define FORM_FACTS(form, name, base, result, parameters)                                           \
    [form] = { name, (void *)form_##form, (void *)own_##form, base },

static const struct facts {
    const char *name;
    void *chosen, *own;
    enum form base;
} facts[FORM_COUNT] = { FORMS(FORM_FACTS) };

size_t form_limits[FORM_COUNT];

static _Atomic(void *) next_of[FORM_COUNT];
static enum served served_by[FORM_COUNT];
static _Atomic bool known;

static bool is_new(enum form form)
{
    return form < DELETE_ONE;
}

static bool is_aligned(enum form form)
{
    return strstr(facts[form].name, "St11align_val_t") != NULL;
}

static bool is_sized(enum form form)
{
    return !is_new(form) && facts[form].name[6] == 'm'; /* _Zd?Pvm */
}

bool form_is_array(enum form form)
{
    return facts[form].name[3] == 'a';
}

/* dlopen is found by dlsym: a reference by name makes the linker warn of it in every static program. */
static void *open_loaded(const char *path)
{
    void *(*open_library)(const char *, int) =
        dlsym != NULL ? (__typeof__(open_library))dlsym(RTLD_DEFAULT, "dlopen") : NULL;
    return open_library != NULL ? open_library(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

/* ---- other libraries ---------------------------------------------------------------------- */

struct object {
    uintptr_t address; /* in it */
    uintptr_t start, end;
    const char *path;
};

static bool has(const struct object *object, const void *address)
{
    return (uintptr_t)address - object->start < object->end - object->start;
}

static int find_object(struct dl_phdr_info *info, size_t size, void *wanted)
{
    struct object *object = wanted;
    uintptr_t start = UINTPTR_MAX, end = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD)
            continue;
        start = at < start ? at : start;
        end = at + part->p_memsz > end ? at + part->p_memsz : end;
    }
    if (object->address - start >= end - start)
        return 0;
    *object = (struct object){ object->address, start, end, info->dlpi_name };
    return 1;
}

/* A C++ library, or another allocator: what these define is not the program's own. */
static bool defines_defaults(const struct object *object)
{
    static const char *const tell_tale[] = { "malloc", "__cxa_throw", "_ZSt7nothrow" };
    void *library = open_loaded(object->path);
    bool any = library == NULL;
    for (size_t i = 0; i < sizeof tell_tale / sizeof tell_tale[0] && !any; i++)
        any = has(object, dlsym(library, tell_tale[i]));
    if (library != NULL)
        dlclose(library);
    return any;
}

/* Whether the address is in a library that replaces operators. Mostly all are in one object. */
static bool is_programs(const void *address, struct object *last, bool *last_is_programs)
{
    if (address == NULL)
        return false;
    if (has(last, address))
        return *last_is_programs;
    last->address = (uintptr_t)address;
    if (dl_iterate_phdr(find_object, last) == 0)
        return false;
    *last_is_programs = !defines_defaults(last);
    return *last_is_programs;
}

static void *next_definition(enum form form)
{
    void *next = atomic_load_explicit(&next_of[form], memory_order_relaxed);
    if (next != NULL || dlsym == NULL)
        return next;
    next = dlsym(RTLD_NEXT, facts[form].name);
    atomic_store_explicit(&next_of[form], next, memory_order_relaxed);
    return next;
}

/* A C++ library that came with a plugin, loaded apart, is only found by its own name. */
static COLD void *search_libraries(const char *name)
{
    static const char *const names[] = { "libstdc++.so.6", "libc++abi.so.1", "libc++.so.1" };
    void *found = NULL;
    for (size_t i = 0; found == NULL && i < sizeof names / sizeof names[0]; i++) {
        void *library = open_loaded(names[i]);
        if (library != NULL)
            found = dlsym(library, name);
    }
    return found;
}

COLD void *form_search(const char *name)
{
    void *found = dlsym != NULL ? dlsym(RTLD_DEFAULT, name) : NULL;
    return found != NULL ? found : search_libraries(name);
}

/* ---- who serves --------------------------------------------------------------------------- */

static enum served decide(enum form form, bool is_later)
{
    enum form base = facts[form].base;
    if (is_later)
        return SERVED_LATER;
    if (base == form)
        return SERVED_HERE;
    return facts[base].chosen == facts[base].own && served_by[base] == SERVED_HERE ? SERVED_HERE
                                                                                   : SERVED_BY_BASE;
}

static size_t limit_of(enum form form)
{
    return served_by[form] == SERVED_HERE ? SMALL_LIMIT : 0;
}

/* Threads that come here at once find the same. */
static void decide_all(void)
{
    struct object last = { 0 };
    bool last_is_programs = false;
    bool alone = next_definition(NEW_ONE) == NULL && next_definition(DELETE_ONE) == NULL;
    for (enum form form = 0; form < FORM_COUNT; form++)
        served_by[form] =
            decide(form, !alone && is_programs(next_definition(form), &last, &last_is_programs));
    for (enum form form = 0; form < FORM_COUNT; form++)
        form_limits[form] = limit_of(form);
    atomic_store_explicit(&known, true, memory_order_release);
}

enum served form_served_by(enum form form)
{
    if (unlikely(!atomic_load_explicit(&known, memory_order_acquire)))
        decide_all();
    return served_by[form];
}

void form_prepare(void)
{
    if (_ZSt7nothrow != NULL)
        form_served_by(NEW_ONE);
}

/* ---- calls -------------------------------------------------------------------------------- */

typedef void *call_new(size_t, size_t, size_t);
typedef void call_delete(void *, size_t, size_t);

/* An object that nobody reads. */
static const char nothrow;

/* Arguments beyond those that the form has are ignored. */
static void *call_with(call_new *function, bool aligned, size_t size, size_t align)
{
    size_t tag = (size_t)&nothrow;
    return aligned ? function(size, align, tag) : function(size, tag, 0);
}

void *form_call_base_new(enum form form, size_t size, size_t align)
{
    return call_with((call_new *)facts[facts[form].base].chosen, is_aligned(form), size, align);
}

COLD void *form_call_next_new(enum form form, size_t size, size_t align)
{
    void *next = next_definition(form);
    if (next == NULL)
        next = search_libraries(facts[form].name);
    if (next == NULL)
        return served_by[form] == SERVED_BY_BASE ? form_call_base_new(form, size, align) : NULL;
    return call_with((call_new *)next, is_aligned(form), size, align);
}

void form_call_delete(enum form form, enum served served, void *block, size_t size, size_t align)
{
    bool later = served == SERVED_LATER;
    void *function = later ? next_definition(form) : facts[facts[form].base].chosen;
    size_t arguments[3], count = 0;
    if (later && is_sized(form))
        arguments[count++] = size;
    if (is_aligned(form))
        arguments[count++] = align;
    arguments[count++] = (size_t)&nothrow;
    ((call_delete *)function)(block, arguments[0], count > 1 ? arguments[1] : 0);
}

#endif
