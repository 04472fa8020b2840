/* SPDX-License-Identifier: MIT */
/* Every system call behind the Win32 face fails, at every occurrence, once and from then on. A call
 * of the face then fails with a last error, and leaves things as they were: what is there keeps its
 * contents and can be released, and afterwards everything succeeds again. */
#include <windows.h>

#include "test.h"

#include "refuse.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 5 * 65536, UNSET = 0xDEAD };

#define RW PAGE_READWRITE

/* ---- the work ------------------------------------------------------------------------------ */

static bool may_fail;

/* Whether the call succeeded. If not, it has to say why. */
static bool did(bool success)
{
    if (!success) {
        assert_int_not_equal(GetLastError(), UNSET);
        assert_int_not_equal(GetLastError(), ERROR_SUCCESS);
        assert_true(may_fail);
    }
    SetLastError(UNSET);
    return success;
}

/* What must succeed once the system is willing: it may have to be asked again. */
static void must(BOOL call(void *), void *argument)
{
    if (did(call(argument)))
        return;
    refuse_say(REFUSE_END);
    assert_true(call(argument));
    refuse_say(REFUSE_START);
    SetLastError(UNSET);
}

static BOOL release(void *address)
{
    return VirtualFree(address, 0, MEM_RELEASE);
}

static BOOL unmap(void *address)
{
    return UnmapViewOfFile(address);
}

static BOOL destroy(void *heap)
{
    return HeapDestroy(heap);
}

static BOOL close_handle(void *handle)
{
    return CloseHandle(handle);
}

static void use_virtual_memory(void)
{
    DWORD old;
    MEMORY_BASIC_INFORMATION info;
    unsigned char *p = VirtualAlloc(NULL, SIZE, MEM_RESERVE, RW);
    if (!did(p != NULL))
        return;
    assert_int_equal(VirtualQuery(p, &info, sizeof info), sizeof info);
    assert_int_equal(info.State, MEM_RESERVE);
    if (did(VirtualAlloc(p + PAGE, 4 * PAGE, MEM_COMMIT, RW) == p + PAGE)) {
        memset(p + PAGE, 5, 4 * PAGE);
        if (did(VirtualProtect(p + 2 * PAGE, PAGE, PAGE_READONLY, &old)))
            assert_int_equal(old, RW);
        if (did(VirtualLock(p + PAGE, PAGE)))
            did(VirtualUnlock(p + PAGE, PAGE));
        did(VirtualAlloc(p + PAGE, PAGE, MEM_RESET, RW) != NULL);
        did(VirtualAlloc(p + PAGE, PAGE, MEM_RESET_UNDO, RW) != NULL);
        did(DiscardVirtualMemory(p + 3 * PAGE, PAGE) == ERROR_SUCCESS || may_fail);
        assert_int_equal(p[2 * PAGE], 5);
        did(VirtualFree(p + 4 * PAGE, PAGE, MEM_DECOMMIT));
        assert_int_equal(p[2 * PAGE + 1], 5);
    }
    must(release, p);
}

/* Not everywhere to be had, so nothing is said of the second time. */
static void use_write_watch(void)
{
    void *addresses[4];
    ULONG_PTR count = 4;
    DWORD page;
    unsigned char *p = VirtualAlloc(NULL, 2 * PAGE, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, RW);
    if (!may_fail || !did(p != NULL)) {
        SetLastError(UNSET);
        return;
    }
    p[PAGE] = 1;
    if (did(GetWriteWatch(0, p, 2 * PAGE, addresses, &count, &page) == 0))
        assert_ptr_equal(addresses[0], p + PAGE);
    did(ResetWriteWatch(p, 2 * PAGE) == 0);
    must(release, p);
}

static void use_section(HANDLE section)
{
    unsigned char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0), *copy, *part;
    if (!did(view != NULL))
        return;
    memset(view, 9, 2 * PAGE);
    copy = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    if (did(copy != NULL)) {
        assert_int_equal(copy[PAGE], 9);
        copy[PAGE] = 1;
        assert_int_equal(view[PAGE], 9);
        must(unmap, copy);
    }
    part = MapViewOfFile(section, FILE_MAP_READ, 0, 0, PAGE);
    if (did(part != NULL)) {
        assert_int_equal(part[0], 9);
        must(unmap, part);
    }
    did(FlushViewOfFile(view, 0));
    must(unmap, view);
}

static void use_mapping(const char *name, DWORD flags)
{
    HANDLE other,
        section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW | flags, 0, SIZE, name);
    if (!did(section != NULL))
        return;
    SetLastError(UNSET); /* a name may be left of a run before: ERROR_ALREADY_EXISTS */
    if (flags == 0)
        use_section(section);
    if (name != NULL && did((other = OpenFileMappingA(FILE_MAP_READ, FALSE, name)) != NULL))
        must(close_handle, other);
    if (did(DuplicateHandle(GetCurrentProcess(), section, GetCurrentProcess(), &other, 0, FALSE,
                            DUPLICATE_SAME_ACCESS)))
        must(close_handle, other);
    must(close_handle, section);
}

static void use_reserved_section(void)
{
    HANDLE section =
        CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, RW | SEC_RESERVE, 0, SIZE, NULL);
    if (!did(section != NULL))
        return;
    unsigned char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    if (did(view != NULL)) {
        if (did(VirtualAlloc(view + PAGE, PAGE, MEM_COMMIT, RW) != NULL))
            view[PAGE] = 3;
        must(unmap, view);
    }
    must(close_handle, section);
}

static char path[64];

static void use_file(void)
{
    char text[] = "0123456789", back[sizeof text] = "";
    DWORD done;
    HANDLE section, file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                                       FILE_ATTRIBUTE_NORMAL, NULL);
    if (!did(file != INVALID_HANDLE_VALUE))
        return;
    SetLastError(UNSET);
    if (did(WriteFile(file, text, sizeof text, &done, NULL)) &&
        did(SetFilePointer(file, 0, NULL, FILE_BEGIN) == 0) &&
        did(ReadFile(file, back, sizeof back, &done, NULL)))
        assert_string_equal(back, text);
    did(GetFileSize(file, NULL) != INVALID_FILE_SIZE);
    did(FlushFileBuffers(file));
    section = CreateFileMappingA(file, NULL, RW, 0, 3 * PAGE, NULL);
    if (did(section != NULL)) {
        use_section(section);
        must(close_handle, section);
    }
    must(close_handle, file);
    did(DeleteFileA(path) || access(path, F_OK) != 0);
}

static void use_global_memory(void)
{
    HGLOBAL h = GlobalAlloc(GHND, 100000);
    if (!did(h != NULL))
        return;
    unsigned char *p = GlobalLock(h);
    assert_non_null(p);
    assert_int_equal(p[99999], 0);
    p[0] = 4;
    GlobalUnlock(h);
    SetLastError(UNSET); /* unlocking sets ERROR_SUCCESS */
    did(GlobalReAlloc(h, 3000000, GMEM_MOVEABLE) == h);
    p = GlobalLock(h);
    assert_int_equal(p[0], 4);
    GlobalUnlock(h);
    assert_null(GlobalFree(h));
    SetLastError(UNSET);
}

static void fill_heap(HANDLE heap)
{
    unsigned char *blocks[40] = { NULL };
    for (size_t i = 0; i < COUNT(blocks); i++)
        if (did((blocks[i] = HeapAlloc(heap, HEAP_ZERO_MEMORY, i * i * 40)) != NULL) && i > 0)
            blocks[i][0] = blocks[i][i * i * 40 - 1] = (unsigned char)i;
    for (size_t i = 1; i < COUNT(blocks); i += 2) {
        unsigned char *larger =
            blocks[i] != NULL ? HeapReAlloc(heap, 0, blocks[i], i * 4000) : NULL;
        if (blocks[i] != NULL && did(larger != NULL))
            blocks[i] = larger;
    }
    for (size_t i = 1; i < COUNT(blocks); i++)
        if (blocks[i] != NULL) {
            assert_int_equal(blocks[i][0], i);
            assert_true(HeapFree(heap, 0, blocks[i]));
        }
}

/* Whatever the system refuses, a heap can be held, looked at and given up. */
static void use_heap(SIZE_T maximum)
{
    PROCESS_HEAP_ENTRY entry = { .lpData = NULL };
    HANDLE heap = HeapCreate(0, 100000, maximum);
    if (!did(heap != NULL))
        return;
    fill_heap(heap);
    assert_true(HeapLock(heap));
    fill_heap(heap);
    assert_true(HeapValidate(heap, 0, NULL));
    while (HeapWalk(heap, &entry))
        continue;
    assert_int_equal(GetLastError(), ERROR_NO_MORE_ITEMS);
    assert_true(HeapUnlock(heap));
    HeapCompact(heap, 0);
    must(destroy, heap);
    SetLastError(UNSET);
}

static void use_all(void)
{
    char name[40];
    snprintf(name, sizeof name, "every_call_%d", (int)getpid());
    use_virtual_memory();
    use_write_watch();
    use_mapping(NULL, 0);
    use_mapping(name, 0);
    use_mapping(NULL, SEC_RESERVE);
    use_reserved_section();
    use_file();
    use_global_memory();
    use_heap(0);
    use_heap(3000000);
}

static void work(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/barrow-every-call-%d", (int)getpid());
    SetLastError(UNSET);
    may_fail = true;
    refuse_say(REFUSE_START);
    use_all();
    refuse_say(REFUSE_END);
    may_fail = false;
    use_all();
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- the tests ----------------------------------------------------------------------------- */

/* Numbers and errors as the calls may really have. close() is not among them: it always closes. */
static const struct trial {
    const char *name;
    int call, error;
} trials[] = {
    { "mmap", SYS_mmap, ENOMEM },
    { "mprotect", SYS_mprotect, ENOMEM },
    { "munmap", SYS_munmap, ENOMEM },
    { "madvise", SYS_madvise, EINVAL },
    { "madvise, once more later", SYS_madvise, EAGAIN },
    { "membarrier", SYS_membarrier, EPERM },
    { "mlock", SYS_mlock, ENOMEM },
    { "munlock", SYS_munlock, ENOMEM },
    { "openat", SYS_openat, EMFILE },
    { "memfd_create", SYS_memfd_create, EMFILE },
    { "ftruncate", SYS_ftruncate, ENOSPC },
    { "fallocate", SYS_fallocate, ENOSPC },
    { "newfstatat", SYS_newfstatat, EIO },
    { "fstatfs", SYS_fstatfs, EIO },
    { "fcntl", SYS_fcntl, ENOLCK },
    { "flock", SYS_flock, ENOLCK },
    { "ioctl", SYS_ioctl, ENOTTY },
    { "lseek", SYS_lseek, EINVAL },
    { "read", SYS_read, EIO },
    { "write", SYS_write, EIO },
    { "pread64", SYS_pread64, EIO },
    { "pwrite64", SYS_pwrite64, ENOSPC },
    { "fsync", SYS_fsync, EIO },
    { "sync_file_range", SYS_sync_file_range, EIO },
    { "linkat", SYS_linkat, EMLINK },
    { "unlink", SYS_unlink, EACCES },
    { "userfaultfd", SYS_userfaultfd, EPERM },
};

static void the_face_reports_and_goes_on(void **state)
{
    size_t all = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(trials); i++) {
        struct refusal refusal = { .call = trials[i].call,
                                   .error = trials[i].error,
                                   .operation = -1,
                                   .anybody = true,
                                   .on_word = true };
        size_t runs = refuse_each("win32", refusal);
        print_message("             %s: %zu runs\n", trials[i].name, runs);
        all += runs;
    }
    print_message("             together %zu runs\n", all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest works[] = { cmocka_unit_test(work) };
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_face_reports_and_goes_on) };
    if (refuse_work(argc, argv) != NULL)
        return cmocka_run_group_tests_name("work", works, NULL, NULL);
    return cmocka_run_group_tests_name("every call of the Win32 face", tests, NULL, NULL);
}
