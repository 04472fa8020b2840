/* SPDX-License-Identifier: MIT */
/*
 * Curves of the Windows memory model: one call while the number of what is alive beside it grows, up to
 * 100,000. Only barrow has these calls; they are looked up in the preloaded library.
 */
#include "lines.h"

#include <barrow/fileapi.h>
#include <barrow/handleapi.h>
#include <barrow/memoryapi.h>
#include <barrow/winbase.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench
{
namespace
{

using benchmark::State;

constexpr size_t GRANULE = 64 * KIB;
constexpr uint32_t RW = PAGE_READWRITE;

/* The names are macros for barrow_...: so are the members. */
/* clang-format off */
#define WIN32_CALLS(X) \
    X(VirtualAlloc) X(VirtualFree) X(VirtualProtect) X(VirtualQuery) \
    X(CreateFileMappingA) X(OpenFileMappingA) X(MapViewOfFile) X(UnmapViewOfFile) \
    X(CloseHandle) X(GlobalAlloc) X(GlobalFree) X(CreateFileA) \
    X(LockFile) X(UnlockFile)
/* clang-format on */
#define DECLARE(name) decltype(&::name) name;
#define QUOTED(name)  #name
#define LOOK_UP(call) *reinterpret_cast<void **>(&win32.call) = dlsym(RTLD_DEFAULT, QUOTED(call));

struct Win32 {
    WIN32_CALLS(DECLARE)
} win32;

bool find_calls(State &state)
{
    WIN32_CALLS(LOOK_UP)
    if (win32.VirtualAlloc != nullptr)
        return true;
    state.SkipWithError("no Win32 functions");
    return false;
}

/* Each test counts what the body does `count` times a round. */
void done(State &state, size_t count)
{
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
}

HANDLE memory(size_t size, uint32_t kind, const char *name = nullptr)
{
    return win32.CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, RW | kind,
                                    static_cast<uint32_t>(size >> 32), static_cast<uint32_t>(size),
                                    name);
}

/* ---- views --------------------------------------------------------------------------------------*/

/* Views from high addresses to low ones. Of each four, three lie one below the other as they do in the
 * section and are one mapping for the kernel, which allows 65,530; the fourth is a page with a gap. */
class Views
{
  public:
    Views(State &state, size_t count) : section(memory(3 * GRANULE, 0))
    {
        for (size_t i = 0; i < count; i++) {
            const size_t place = i % 4;
            const auto offset = static_cast<uint32_t>(place < 3 ? (2 - place) * GRANULE : 0);
            void *view =
                win32.MapViewOfFile(section, FILE_MAP_READ, 0, offset, place < 3 ? GRANULE : PAGE);
            if (view == nullptr) {
                state.SkipWithError("no more views (vm.max_map_count)");
                return;
            }
            all.push_back(view);
        }
    }

    ~Views()
    {
        for (void *view : all)
            win32.UnmapViewOfFile(view);
        win32.CloseHandle(section);
    }

    HANDLE section;
    std::vector<void *> all;
};

/* All views are mapped, and unmapped oldest first. */
void views_oldest_first(State &state, size_t count)
{
    if (!find_calls(state))
        return;
    for (auto _ : state)
        Views views(state, count);
    done(state, count);
}

void view_among_views(State &state, size_t count)
{
    constexpr size_t PAIRS = 1000;
    if (!find_calls(state))
        return;
    Views views(state, count);
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++)
            win32.UnmapViewOfFile(win32.MapViewOfFile(views.section, FILE_MAP_READ, 0, 0, PAGE));
    done(state, PAIRS);
}

/* One page is committed in a section of which other parts have so many views. */
void commit_among_views(State &state, size_t count)
{
    constexpr size_t PAGES = 1000;
    if (!find_calls(state))
        return;
    const HANDLE section = memory((count + 1) * GRANULE + PAGES * PAGE, SEC_RESERVE);
    const uint64_t last = (count + 1) * GRANULE;
    std::vector<void *> views;
    for (size_t i = 0; i < count; i++) {
        const uint64_t offset = (count - i) * GRANULE;
        views.push_back(win32.MapViewOfFile(section, FILE_MAP_WRITE,
                                            static_cast<uint32_t>(offset >> 32),
                                            static_cast<uint32_t>(offset), GRANULE));
    }
    char *own = static_cast<char *>(win32.MapViewOfFile(section, FILE_MAP_WRITE,
                                                        static_cast<uint32_t>(last >> 32),
                                                        static_cast<uint32_t>(last), PAGES * PAGE));
    for (auto _ : state)
        for (size_t i = 0; i < PAGES; i++)
            win32.VirtualAlloc(own + i * PAGE, PAGE, MEM_COMMIT, RW);
    done(state, PAGES);
    win32.UnmapViewOfFile(own);
    for (void *view : views)
        win32.UnmapViewOfFile(view);
    win32.CloseHandle(section);
}

/* ---- VirtualQuery -----------------------------------------------------------------------------*/

size_t walk()
{
    MEMORY_BASIC_INFORMATION info;
    size_t regions = 0;
    const char *at = nullptr;
    while (win32.VirtualQuery(at, &info, sizeof(info)) != 0) {
        at = static_cast<const char *>(info.BaseAddress) + info.RegionSize;
        regions++;
    }
    return regions;
}

void walk_over_views(State &state, size_t count)
{
    size_t regions = 0;
    if (!find_calls(state))
        return;
    Views views(state, count);
    for (auto _ : state)
        regions = walk();
    done(state, regions);
}

/* From now on the process has the kernel of before 6.11, which can only list all mappings. */
bool refuse_single_queries()
{
    constexpr uint32_t PROCMAP_QUERY = 'f' << 8 | 17; /* the low half of the request */
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xFFFF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROCMAP_QUERY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 25), /* ENOTTY */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

void walk_over_listed_views(State &state, size_t count)
{
    if (refuse_single_queries())
        walk_over_views(state, count);
    else
        state.SkipWithError("seccomp is refused");
}

/* The views are answered from the library's own tables, whatever the kernel can tell. */
void query_among_views(State &state, size_t count)
{
    constexpr size_t QUERIES = 10000;
    MEMORY_BASIC_INFORMATION info;
    if (!find_calls(state) || !refuse_single_queries())
        return;
    Views views(state, count);
    Random random(151);
    for (auto _ : state)
        for (size_t i = 0; i < QUERIES; i++)
            win32.VirtualQuery(views.all[random.below(static_cast<uint32_t>(count))], &info,
                               sizeof(info));
    done(state, QUERIES);
}

/* ---- copy-on-write views ----------------------------------------------------------------------*/

class CopiedView
{
  public:
    /* Every `step`th page was written; 0: none. */
    CopiedView(size_t pages, size_t step) : section(memory(pages * PAGE, 0))
    {
        bytes = static_cast<char *>(win32.MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0));
        for (size_t i = 0; step != 0 && i < pages; i += step)
            bytes[i * PAGE] = 1;
    }

    ~CopiedView()
    {
        win32.UnmapViewOfFile(bytes);
        win32.CloseHandle(section);
    }

    HANDLE section;
    char *bytes;
};

/* One answer for all pages: the page map is read for each. */
void query_copied_view(State &state, size_t pages)
{
    MEMORY_BASIC_INFORMATION info;
    if (!find_calls(state))
        return;
    CopiedView view(pages, 0);
    for (auto _ : state)
        win32.VirtualQuery(view.bytes, &info, sizeof(info));
    done(state, pages);
}

/* As many answers as there are pages. */
void walk_copied_view(State &state, size_t pages)
{
    MEMORY_BASIC_INFORMATION info;
    if (!find_calls(state))
        return;
    CopiedView view(pages, 2);
    for (auto _ : state)
        for (size_t i = 0; i < pages; i++)
            win32.VirtualQuery(view.bytes + i * PAGE, &info, sizeof(info));
    done(state, pages);
}

void protect_copied_view(State &state, size_t pages)
{
    DWORD old;
    if (!find_calls(state))
        return;
    CopiedView view(pages, 2);
    for (auto _ : state) {
        win32.VirtualProtect(view.bytes, pages * PAGE, PAGE_READONLY, &old);
        win32.VirtualProtect(view.bytes, pages * PAGE, PAGE_WRITECOPY, &old);
    }
    done(state, 2 * pages);
}

/* ---- reservations, handles, names, locks ------------------------------------------------------*/

/* A mix of what is only reserved and what is committed. */
void reserve_among_reservations(State &state, size_t count)
{
    constexpr size_t PAIRS = 1000;
    if (!find_calls(state))
        return;
    std::vector<void *> all;
    for (size_t i = 0; i < count; i++)
        all.push_back(
            win32.VirtualAlloc(nullptr, GRANULE, MEM_RESERVE | (i % 2 == 0 ? MEM_COMMIT : 0), RW));
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++)
            win32.VirtualFree(win32.VirtualAlloc(nullptr, GRANULE, MEM_RESERVE, RW), 0,
                              MEM_RELEASE);
    done(state, PAIRS);
    for (void *each : all)
        win32.VirtualFree(each, 0, MEM_RELEASE);
}

void handle_among_handles(State &state, size_t count)
{
    constexpr size_t PAIRS = 1000;
    if (!find_calls(state))
        return;
    std::vector<HANDLE> all;
    for (size_t i = 0; i < count; i++)
        all.push_back(memory(PAGE, 0));
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++)
            win32.CloseHandle(memory(PAGE, 0));
    done(state, PAIRS);
    for (HANDLE each : all)
        win32.CloseHandle(each);
}

/* Sections are closed oldest first, so their places in the pool come back in that order. */
void handles_oldest_first(State &state, size_t count)
{
    if (!find_calls(state))
        return;
    std::vector<HANDLE> all(count);
    for (auto _ : state) {
        for (HANDLE &each : all)
            each = memory(PAGE, 0);
        for (HANDLE each : all)
            win32.CloseHandle(each);
    }
    done(state, count);
}

const char *number_name(size_t i)
{
    static char name[40];
    std::snprintf(name, sizeof(name), "Local\\barrow-bench-%zu", i);
    return name;
}

/* Processes that hold names: a name takes two descriptors, of which a process may have some thousands. */
class Holders
{
  public:
    Holders(State &state, size_t count)
    {
        constexpr size_t EACH = 4000;
        for (size_t from = 0; from < count; from += EACH)
            if (!start(from, std::min(from + EACH, count)))
                state.SkipWithError("a process cannot hold its names (ulimit -n)");
    }

    ~Holders()
    {
        for (const Holder &holder : all) {
            close(holder.gate);
            waitpid(holder.process, nullptr, 0);
        }
    }

  private:
    struct Holder {
        pid_t process;
        int gate; /* closed: the holder ends */
    };

    static bool make_names(size_t from, size_t end)
    {
        for (size_t i = from; i < end; i++)
            if (memory(PAGE, SEC_RESERVE, number_name(i)) == nullptr)
                return false;
        return true;
    }

    [[noreturn]] static void hold(size_t from, size_t end, int made, int gate)
    {
        char byte = make_names(from, end) ? 1 : 0;
        if (write(made, &byte, 1) == 1)
            read_byte(gate);
        std::exit(0);
    }

    static char read_byte(int fd)
    {
        char byte = 0;
        return read(fd, &byte, 1) == 1 ? byte : 0;
    }

    bool start(size_t from, size_t end)
    {
        int made[2], gate[2];
        if (pipe2(made, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0)
            return false;
        const pid_t process = fork();
        if (process == 0) {
            for (const Holder &holder : all)
                close(holder.gate);
            close(gate[1]);
            hold(from, end, made[1], gate[0]);
        }
        close(made[1]);
        close(gate[0]);
        all.push_back({ process, gate[1] });
        const bool held = read_byte(made[0]) == 1;
        close(made[0]);
        return held;
    }

    std::vector<Holder> all;
};

/* So many rounds that the look for dead names, after a sixteenth as many openings, has its share. */
void name_among_names(State &state, size_t count)
{
    const size_t pairs = 200 + count / 16;
    if (!find_calls(state))
        return;
    Holders holders(state, count);
    for (auto _ : state)
        for (size_t i = 0; i < pairs; i++) {
            win32.CloseHandle(win32.OpenFileMappingA(FILE_MAP_READ, 0, number_name(i % count)));
            win32.CloseHandle(memory(PAGE, SEC_RESERVE, number_name(count)));
        }
    done(state, pairs);
}

void moveable_among_moveables(State &state, size_t count)
{
    constexpr size_t PAIRS = 1000;
    if (!find_calls(state))
        return;
    std::vector<HGLOBAL> all;
    for (size_t i = 0; i < count; i++)
        all.push_back(win32.GlobalAlloc(GMEM_MOVEABLE, 16));
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++)
            win32.GlobalFree(win32.GlobalAlloc(GMEM_MOVEABLE, 16));
    done(state, PAIRS);
    for (HGLOBAL each : all)
        win32.GlobalFree(each);
}

void lock_among_locks(State &state, size_t count)
{
    constexpr size_t PAIRS = 200;
    if (!find_calls(state))
        return;
    HANDLE file = win32.CreateFileA("barrow-bench-locks", GENERIC_READ | GENERIC_WRITE, 0, nullptr,
                                    CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, nullptr);
    for (size_t i = 0; i < count; i++)
        win32.LockFile(file, static_cast<uint32_t>(2 * i), 0, 1, 0);
    for (auto _ : state)
        for (size_t i = 0; i < PAIRS; i++) {
            const auto at = static_cast<uint32_t>(2 * (count + i % count));
            win32.LockFile(file, at, 0, 1, 0);
            win32.UnlockFile(file, at, 0, 1, 0);
        }
    done(state, PAIRS);
    win32.CloseHandle(file);
}

template <typename Body>
void add(const std::string &name, const std::string &unit, const std::string &about, size_t most,
         int64_t rounds, Body body)
{
    for (size_t x = 100; x <= most; x *= 10)
        add_point("curve/win32-" + name, static_cast<double>(x), unit, false, about, rounds,
                  [body, x](State &state) { body(state, x); });
}

} // namespace

void add_win32_curves()
{
    constexpr size_t MOST = 100000;
    add("views", "views", "views mapped, then unmapped oldest first", MOST, 3, views_oldest_first);
    add("view", "views", "a view mapped and unmapped among so many", MOST, 5, view_among_views);
    add("view-commit", "views", "a page committed in a section with so many views", MOST, 1,
        commit_among_views);
    add("walk", "views", "VirtualQuery in a walk over the address space", MOST, 3, walk_over_views);
    add("walk-listed", "views", "the same without PROCMAP_QUERY", MOST, 3, walk_over_listed_views);
    add("query", "views", "VirtualQuery of a view, without PROCMAP_QUERY", MOST, 5,
        query_among_views);
    add("copied-query", "pages", "VirtualQuery of a copy-on-write view, for each page", MOST, 20,
        query_copied_view);
    add("copied-walk", "pages", "VirtualQuery in such a view, of which every other page is copied",
        MOST, 3, walk_copied_view);
    add("copied-protect", "pages", "VirtualProtect of such a view, for each page", MOST, 10,
        protect_copied_view);
    add("reserve", "reservations", "a reservation and its release among so many", MOST, 5,
        reserve_among_reservations);
    add("handle", "handles", "a file mapping made and closed among so many", MOST, 5,
        handle_among_handles);
    add("handles", "handles", "file mappings made, then closed oldest first", MOST, 3,
        handles_oldest_first);
    add("name", "names", "a named mapping opened and another made, among so many", MOST, 5,
        name_among_names);
    add("global", "blocks", "a moveable block among so many", MOST / 10, 5,
        moveable_among_moveables);
    add("file-lock", "ranges", "LockFile and UnlockFile beside so many locked ranges", MOST / 100,
        2, lock_among_locks);
}

} // namespace bench
