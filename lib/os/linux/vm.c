/* SPDX-License-Identifier: MIT */
/* vm.c: memory by mmap, mprotect, madvise and mremap. Any thread may call; the kernel serializes. A call leaves errno
 * alone, and the result says whether it succeeded. */
#include "os/vm.h"

#include "os/linux/syscall.h"
#include "os/linux/vm_calls.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* of <linux/mman.h>, which is not there for every C library */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

size_t os_page_size(void)
{
    /* relaxed: all threads would write the same value */
    static _Atomic size_t page_size;
    size_t size = atomic_load_explicit(&page_size, memory_order_relaxed);
    if (unlikely(size == 0)) {
        size = getauxval(AT_PAGESZ);
        atomic_store_explicit(&page_size, size, memory_order_relaxed);
    }
    return size;
}

/* The contract of vm.h, for assertions. */
__attribute__((unused)) static bool is_whole_pages(const void *address, size_t size)
{
    return (((uintptr_t)address | size) & (os_page_size() - 1)) == 0 && size != 0;
}

static long map(void *address, size_t size, int access, int flags)
{
    return syscall6(SYS_mmap, (long)address, (long)size, access, ANONYMOUS | flags, -1, 0);
}

static bool failed(long result)
{
    return (unsigned long)result > -4096UL;
}

void *os_reserve(size_t size)
{
    ASSERT(is_whole_pages(NULL, size));
    long result = map(NULL, size, PROT_NONE, 0);
    return failed(result) ? NULL : (void *)result;
}

/* Mostly the system's choice is right behind the last one, and aligned like it. Otherwise a larger
 * reservation is cut to measure. */
void *os_reserve_aligned(size_t size, size_t align, size_t offset)
{
    char *exact = os_reserve(size);
    if (exact == NULL || ((uintptr_t)exact + offset) % align == 0)
        return exact;
    os_release(exact, size);
    size_t surplus = align > os_page_size() ? align - os_page_size() : 0;
    char *memory = os_reserve(size + surplus);
    if (memory == NULL)
        return NULL;
    char *start = (char *)round_up((uintptr_t)memory + offset, align) - offset;
    size_t before = (size_t)(start - memory), behind = surplus - before;
    if (before != 0)
        os_release(memory, before);
    if (behind != 0)
        os_release(start + size, behind);
    return start;
}

void os_exclude_from_dumps(const void *address, size_t size)
{
    uintptr_t page = os_page_size(), start = round_up((uintptr_t)address, page);
    uintptr_t end = ((uintptr_t)address + size) & ~(page - 1);
    if (start < end)
        syscall4(SYS_madvise, (long)start, (long)(end - start), MADV_DONTDUMP, 0);
}

/* A new mapping over the old one, and not mprotect(2): a sandbox expects of malloc that it maps. */
static bool map_over(void *address, size_t size, int access)
{
    return !failed(map(address, size, access, MAP_FIXED));
}

/* Where a mapping replaces another, the kernel takes the new pages for counted, although those without
 * access were not counted as data: so RLIMIT_DATA would never stop a commit. A page that is mapped anew
 * tells whether the limit has been passed. The one of the last time makes way for it, so that a limit
 * of address space does not matter here. */
static bool keeps_data_limit(void)
{
    static _Atomic uintptr_t last; /* who exchanges it out owns the page */
    size_t page = os_page_size();
    uintptr_t old = atomic_exchange_explicit(&last, 0, memory_order_relaxed);
    if (old != 0)
        syscall4(SYS_munmap, (long)old, (long)page, 0, 0);
    long fresh = map(NULL, page, PROT_READ | PROT_WRITE, 0);
    bool keeps = fresh != -ENOMEM;
    if (!keeps)
        fresh = map(NULL, page, PROT_NONE, 0);
    if (failed(fresh))
        return true; /* it is not for want of data: the process may have no more mappings */
    old = atomic_exchange_explicit(&last, (uintptr_t)fresh, memory_order_relaxed);
    if (old != 0) /* another thread's */
        syscall4(SYS_munmap, (long)old, (long)page, 0, 0);
    return keeps;
}

bool os_commit(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    if (!map_over(address, size, PROT_READ | PROT_WRITE))
        return false;
    if (keeps_data_limit())
        return true;
    map_over(address, size, PROT_NONE);
    return false;
}

bool os_forbid(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return !failed(call_map_over(address, size, PROT_NONE));
}

bool os_commit_executable(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return map_over(address, size, PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* ---- locked memory ------------------------------------------------------------------------- */

static _Atomic bool locks_met;
static _Atomic uint64_t
    future_until; /* milliseconds; until then new memory is taken to be locked */

bool os_locks_memory(void)
{
    return atomic_load_explicit(&locks_met, memory_order_relaxed);
}

/* Whether the system locks new memory, as after mlockall(MCL_FUTURE): it says so by refusing to take a
 * page of it back. */
static bool locks_new_memory(void)
{
    size_t page = os_page_size();
    long memory = map(NULL, page, PROT_READ | PROT_WRITE, 0);
    if (failed(memory))
        return true; /* it would be more than may be locked */
    bool locked = syscall4(SYS_madvise, memory, (long)page, MADV_DONTNEED, 0) != 0;
    syscall4(SYS_munmap, memory, (long)page, 0, 0);
    return locked;
}

/* The same; a yes is remembered, for a while. A no is not: memory that is to stay locked must not be
 * unlocked. */
static bool all_is_locked(void)
{
    enum { PERIOD = 1000 };
    if (os_milliseconds() < atomic_load_explicit(&future_until, memory_order_relaxed))
        return true;
    if (!locks_new_memory())
        return false;
    atomic_store_explicit(&future_until, os_milliseconds() + PERIOD, memory_order_relaxed);
    return true;
}

static void unlock(void *address, size_t size)
{
    syscall4(SYS_munlock, (long)address, (long)size, 0, 0);
}

void os_unlock_memory(void *address, size_t size)
{
    if (!all_is_locked())
        unlock(address, size);
}

/* What the program has locked and then freed is unlocked, as if it were unmapped: it counts against
 * the program's limit. A program that locks all its memory, though, keeps it so, and pages go back by an
 * advice of their own, which Linux knows from 5.18 on. */
static bool purge_locked(void *address, size_t size)
{
    atomic_store_explicit(&locks_met, true, memory_order_relaxed);
    if (all_is_locked())
        return call_madvise(address, size, MADV_DONTNEED_LOCKED) == 0;
    unlock(address, size);
    return call_madvise(address, size, MADV_DONTNEED) == 0;
}

/* MADV_DONTNEED comes first also where it was refused before: registration caches know no other. A
 * refusal costs no more than the call. */
bool os_purge(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    long result = call_madvise(address, size, MADV_DONTNEED);
    return result == 0 || (result == -EINVAL && purge_locked(address, size));
}

void os_populate(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    static _Atomic bool unknown; /* to this kernel, for it is older than Linux 5.14 */
    if (!atomic_load_explicit(&unknown, memory_order_relaxed) &&
        syscall4(SYS_madvise, (long)address, (long)size, MADV_POPULATE_WRITE, 0) == -EINVAL)
        atomic_store_explicit(&unknown, true, memory_order_relaxed);
}

bool os_renew(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return !failed(call_map_over(address, size, PROT_READ | PROT_WRITE));
}

/* DONTUNMAP (Linux 5.7) leaves the old mapping in place and empty: no hole to fill, and nobody can
 * be given that address meanwhile. */
static long move(void *from, void *to, size_t size)
{
    return call_mremap(from, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
}

/* Tries it out. Under QEMU's user mode it seems to work, but the emulator takes the old mapping for
 * gone: from then on it does nothing to that memory and says that it has. */
static bool can_move(void)
{
    size_t page = os_page_size();
    volatile char *from = os_reserve(2 * page), *to = from + page;
    if (from == NULL)
        return false;
    bool can = false;
    if (os_commit((char *)from, 2 * page)) {
        *from = 1;
        can = !failed(move((char *)from, (char *)to, page)) && *to == 1 && *from == 0;
        *from = 1;
        can = can && (!os_purge((char *)from, page) || *from == 0);
    }
    os_release((char *)from, 2 * page);
    return can;
}

/* Maps memory where nothing is mapped now. */
static bool map_again(void *address, size_t size)
{
    long result = map(address, size, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    if (failed(result))
        return false;
    if ((void *)result == address)
        return true;
    os_release((void *)result, size); /* kernels before 4.17 take the address for a hint */
    return false;
}

enum os_moved os_move(void *from, void *to, size_t size)
{
    ASSERT(is_whole_pages(from, size) && is_whole_pages(to, size));
    static _Atomic int works = -1; /* not tried yet; all threads find out the same */
    int known = atomic_load_explicit(&works, memory_order_relaxed);
    if (known < 0) {
        known = can_move();
        atomic_store_explicit(&works, known, memory_order_relaxed);
    }
    if (!known)
        return OS_NOT_MOVED;
    long result = move(from, to, size);
    if (!failed(result))
        return OS_MOVED;
    /* Other errors come after the target has been unmapped: where the source spans mappings (as
     * after growth of what was moved, or parted by the program's own madvise; Linux before 6.17),
     * or where the limit of address space has no room for both. */
    return result == -EINVAL || result == -ENOSYS || map_again(to, size) ? OS_NOT_MOVED
                                                                         : OS_TARGET_LOST;
}

void os_advise_huge(void *address, size_t size, bool wanted)
{
    ASSERT(is_whole_pages(address, size));
    syscall4(SYS_madvise, (long)address, (long)size, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE, 0);
}

bool os_release(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return call_munmap(address, size) == 0;
}

bool os_has_address_space(size_t size)
{
    void *probe = os_reserve(size);
    if (probe != NULL)
        os_release(probe, size);
    return probe != NULL;
}

bool os_has_memory(size_t size)
{
    ASSERT(is_whole_pages(NULL, size));
    long probe = map(NULL, size, PROT_READ | PROT_WRITE, 0);
    if (failed(probe))
        return false;
    syscall4(SYS_munmap, probe, (long)size, 0, 0);
    return true;
}

void *os_map_shared(const char *path, size_t size)
{
    long file = syscall4(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0)
        return NULL;
    struct stat stat;
    bool is_long =
        syscall4(SYS_fstat, file, (long)&stat, 0, 0) == 0 && (uint64_t)stat.st_size >= size;
    long address = -1;
    if (is_long)
        address = syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall4(SYS_close, file, 0, 0, 0);
    return address < 0 && address > -4096 ? NULL : (void *)address;
}
