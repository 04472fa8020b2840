/* SPDX-License-Identifier: MIT */
/* deepbind.c: plug-ins that are loaded with RTLD_DEEPBIND (PHP loads its modules so) find the C
 * library's malloc before ours, and then free what is not its own.
 *
 * The flag stays: it is the plug-in's way to its own symbols. Instead, before the first such plug-in
 * is loaded, the C library's functions of malloc's family are changed to jump to ours. That serves
 * all that is bound to them, the plug-in's constructors too. In processes without such plug-ins the
 * C library's code stays as it is. Where the system forbids to change code, the flag is taken off
 * the call: the plug-in then finds our functions, and the program's symbols before its own.
 *
 * dlopen and dlmopen end with a jump to the C library's, on the caller's stack: these tell by their
 * return address whose search paths and namespace apply. Only in the shared library. */
#include "os/compiler.h"

#include <dlfcn.h>

#if BARROW_OVERRIDE_MALLOC && defined(__GLIBC__)

#include "barrow/barrow.h"
#include "os/lock.h"
#include "os/vm.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

/* ---- jumps -------------------------------------------------------------------------------- */

#if defined(__x86_64__)

enum { JUMP = 12 };

static void make_jump(unsigned char code[JUMP], const void *target)
{
    static const unsigned char jump[JUMP] = { 0x48, 0xb8, [10] = 0xff, 0xe0 }; /* by %rax */
    memcpy(code, jump, JUMP);
    memcpy(code + 2, &target, sizeof target);
}

#else

enum { JUMP = 16 };

static void make_jump(unsigned char code[JUMP], const void *target)
{
    static const unsigned char jump[8] = { 0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6 }; /* by x16 */
    memcpy(code, jump, sizeof jump);
    memcpy(code + sizeof jump, &target, sizeof target);
}

#endif

static bool set_access(unsigned char *code, int access)
{
    uintptr_t page = os_page_size(), start = (uintptr_t)code & -page;
    size_t size = round_up((uintptr_t)code + JUMP - start, page);
    return mprotect((void *)start, size, access) == 0;
}

/* Asks for both kinds of access at once, so that a refusal changes nothing. */
static bool redirect(void *function, const void *target)
{
    unsigned char *code = function, jump[JUMP];
    if (!set_access(code, PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    make_jump(jump, target);
    memcpy(code, jump, JUMP);
    __builtin___clear_cache((char *)code, (char *)code + JUMP);
    set_access(code, PROT_READ | PROT_EXEC);
    return true;
}

/* ---- the C library's functions ------------------------------------------------------------ */

/* Free last: a block of the C library's own, from before, is then freed by nobody. */
static const struct {
    const char *name;
    void *ours;
} family[] = {
    { "malloc", (void *)barrow_malloc },
    { "calloc", (void *)barrow_calloc },
    { "realloc", (void *)barrow_realloc },
    { "memalign", (void *)barrow_memalign },
    { "aligned_alloc", (void *)barrow_aligned_alloc },
    { "posix_memalign", (void *)barrow_posix_memalign },
    { "valloc", (void *)barrow_valloc },
    { "pvalloc", (void *)barrow_pvalloc },
    { "malloc_usable_size", (void *)barrow_malloc_usable_size },
    { "malloc_trim", (void *)barrow_malloc_trim },
    { "free", (void *)barrow_free },
};

enum { FAMILY = sizeof family / sizeof family[0] };

/* What the program calls; another allocator that comes first may itself call the C library's. */
static bool is_ours(const char *name, const void *ours)
{
    Dl_info found, here;
    void *address = dlsym(RTLD_DEFAULT, name);
    return address != NULL && dladdr(address, &found) != 0 && dladdr(ours, &here) != 0 &&
           found.dli_fbase == here.dli_fbase;
}

/* True when a plug-in that is bound to the C library's functions is served by ours. */
static bool redirect_family(void *(*open_library)(const char *, int))
{
    void *library = open_library("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL)
        return false;
    for (int i = 0; i < FAMILY; i++) {
        void *function = dlsym(library, family[i].name);
        if (function != NULL && !redirect(function, family[i].ours))
            return false;
    }
    return true;
}

static bool plug_ins_are_served(void *(*open_library)(const char *, int))
{
    static struct os_lock lock;
    static enum { UNKNOWN, SERVED, NOT_SERVED } state;
    os_lock(&lock);
    if (state == UNKNOWN)
        state = redirect_family(open_library) ? SERVED : NOT_SERVED;
    bool served = state == SERVED;
    os_unlock(&lock);
    return served;
}

/* ---- dlopen and dlmopen ------------------------------------------------------------------- */

/* Where to jump, and with which flags. */
struct way {
    void *function;
    uintptr_t flags;
};

HIDDEN struct way deepbind_dlopen(int flags);
HIDDEN struct way deepbind_dlmopen(int flags, Lmid_t space);

static void *fails(void)
{
    return NULL;
}

static struct way way_to(const char *name, int flags, bool is_here)
{
    void *function = dlsym(RTLD_NEXT, name), *open_library = dlsym(RTLD_NEXT, "dlopen");
    struct way way = { function != NULL ? function : (void *)fails, (unsigned)flags };
    if ((flags & RTLD_DEEPBIND) != 0 && is_here && open_library != NULL &&
        is_ours("malloc", (void *)barrow_malloc) && is_ours("free", (void *)barrow_free) &&
        !plug_ins_are_served((void *(*)(const char *, int))open_library))
        way.flags &= ~(uintptr_t)RTLD_DEEPBIND;
    return way;
}

struct way deepbind_dlopen(int flags)
{
    return way_to("dlopen", flags, true);
}

/* Another namespace has a C library, and so a heap, of its own. */
struct way deepbind_dlmopen(int flags, Lmid_t space)
{
    return way_to("dlmopen", flags, space == LM_ID_BASE);
}

#define FUNCTION(name) ".text\n.globl " name "\n.type " name ", %function\n" name ":\n"
#define END(name)      ".size " name ", . - " name "\n"

#if defined(__x86_64__)

__asm__(FUNCTION("dlopen") ".cfi_startproc\n"
                           "push %rdi\n.cfi_adjust_cfa_offset 8\n"
                           "push %rsi\n.cfi_adjust_cfa_offset 8\n"
                           "sub $8, %rsp\n.cfi_adjust_cfa_offset 8\n"
                           "mov %esi, %edi\n"
                           "call deepbind_dlopen\n"
                           "add $8, %rsp\n.cfi_adjust_cfa_offset -8\n"
                           "pop %rsi\n.cfi_adjust_cfa_offset -8\n"
                           "pop %rdi\n.cfi_adjust_cfa_offset -8\n"
                           "mov %edx, %esi\n"
                           "jmp *%rax\n"
                           ".cfi_endproc\n" END("dlopen"));

__asm__(FUNCTION("dlmopen") ".cfi_startproc\n"
                            "push %rdi\n.cfi_adjust_cfa_offset 8\n"
                            "push %rsi\n.cfi_adjust_cfa_offset 8\n"
                            "sub $8, %rsp\n.cfi_adjust_cfa_offset 8\n"
                            "mov %rdi, %rsi\n"
                            "mov %edx, %edi\n"
                            "call deepbind_dlmopen\n"
                            "add $8, %rsp\n.cfi_adjust_cfa_offset -8\n"
                            "pop %rsi\n.cfi_adjust_cfa_offset -8\n"
                            "pop %rdi\n.cfi_adjust_cfa_offset -8\n"
                            "jmp *%rax\n" /* the flags are in %edx */
                            ".cfi_endproc\n" END("dlmopen"));

#else

__asm__(FUNCTION("dlopen") ".cfi_startproc\n"
                           "stp x29, x30, [sp, #-32]!\n.cfi_def_cfa_offset 32\n"
                           ".cfi_offset 29, -32\n.cfi_offset 30, -24\n"
                           "stp x0, x1, [sp, #16]\n"
                           "mov w0, w1\n"
                           "bl deepbind_dlopen\n"
                           "mov x16, x0\n"
                           "mov x17, x1\n"
                           "ldp x0, x1, [sp, #16]\n"
                           "mov w1, w17\n"
                           "ldp x29, x30, [sp], #32\n.cfi_restore 29\n.cfi_restore 30\n"
                           ".cfi_def_cfa_offset 0\n"
                           "br x16\n"
                           ".cfi_endproc\n" END("dlopen"));

__asm__(FUNCTION("dlmopen") ".cfi_startproc\n"
                            "stp x29, x30, [sp, #-32]!\n.cfi_def_cfa_offset 32\n"
                            ".cfi_offset 29, -32\n.cfi_offset 30, -24\n"
                            "stp x0, x1, [sp, #16]\n"
                            "mov x1, x0\n"
                            "mov w0, w2\n"
                            "bl deepbind_dlmopen\n"
                            "mov x16, x0\n"
                            "mov w2, w1\n"
                            "ldp x0, x1, [sp, #16]\n"
                            "ldp x29, x30, [sp], #32\n.cfi_restore 29\n.cfi_restore 30\n"
                            ".cfi_def_cfa_offset 0\n"
                            "br x16\n"
                            ".cfi_endproc\n" END("dlmopen"));

#endif

#endif
