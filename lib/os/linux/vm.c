/* SPDX-License-Identifier: MIT */
/* vm.c: memory by mmap, mprotect, madvise and mremap. Any thread may call; the kernel serializes. A call leaves errno
 * alone, and the result says whether it succeeded. */
#include "os/vm.h"

#include "os/linux/syscall.h"
#include "os/linux/vm_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* of <linux/mman.h>, which is not there for every C library */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
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

size_t os_reserve_wanted(void)
{
    return (size_t)1 << 40;
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

enum os_mapped os_map_at(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    long result = map(address, size, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    if (failed(result))
        return result == -EEXIST ? OS_TAKEN : OS_REFUSED;
    if ((void *)result == address)
        return OS_MAPPED;
    /* kernels before 4.17 take the address for a hint */
    os_release((void *)result, size);
    return OS_TAKEN;
}

bool os_allow_reading(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return syscall4(SYS_mprotect, (long)address, (long)size, PROT_READ, 0) == 0;
}

bool os_commit(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return syscall4(SYS_mprotect, (long)address, (long)size, PROT_READ | PROT_WRITE, 0) == 0;
}

bool os_forbid(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return syscall4(SYS_mprotect, (long)address, (long)size, PROT_NONE, 0) == 0;
}

bool os_commit_executable(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    int access = PROT_READ | PROT_WRITE | PROT_EXEC;
    return syscall4(SYS_mprotect, (long)address, (long)size, access, 0) == 0;
}

bool os_purge(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    return call_madvise(address, size, MADV_DONTNEED) == 0;
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
     * or where the limit of address space does not allow both. */
    return result == -EINVAL || result == -ENOSYS || os_map_at(to, size) == OS_MAPPED
               ? OS_NOT_MOVED
               : OS_TARGET_LOST;
}

void os_advise_huge(void *address, size_t size, bool wanted)
{
    ASSERT(is_whole_pages(address, size));
    syscall4(SYS_madvise, (long)address, (long)size, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE, 0);
}

void os_release(void *address, size_t size)
{
    ASSERT(is_whole_pages(address, size));
    call_munmap(address, size);
}

size_t os_address_space_limit(void)
{
    struct rlimit limit;
    if (syscall4(SYS_prlimit64, 0, RLIMIT_AS, 0, (long)&limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return limit.rlim_cur;
}

bool os_commit_is_strict(void)
{
    char mode = '0';
    long file = syscall4(SYS_openat, AT_FDCWD, (long)"/proc/sys/vm/overcommit_memory",
                         O_RDONLY | O_CLOEXEC, 0);
    if (file < 0)
        return false;
    syscall4(SYS_read, file, (long)&mode, 1, 0);
    syscall4(SYS_close, file, 0, 0, 0);
    return mode == '2';
}
