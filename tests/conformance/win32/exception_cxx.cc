// SPDX-License-Identifier: MIT
// exception_cxx.cc: __try in C++, beside libstdc++, whose headers have a __try of their own: those
// included after windows.h too.
#include <vector>

#include <windows.h>

#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

static const DWORD OURS = 0xE0BA0001u;
static int passed, failed;

static void check(bool condition, const char *fact)
{
    if (!condition)
        std::printf("FAILED: %s\n", fact);
    ++(condition ? passed : failed);
}

struct Counts {
    int *destroyed;
    ~Counts()
    {
        ++*destroyed;
    }
};

__attribute__((noinline)) static void raise_deep(int depth)
{
    volatile char room[300] = { 1 };
    if (depth > 0)
        raise_deep(depth - 1);
    else
        RaiseException(OURS, 0, 0, nullptr);
    room[1] = room[0];
}

static LONG commit(const EXCEPTION_POINTERS *pointers, int &pages)
{
    pages++;
    return VirtualAlloc(
               reinterpret_cast<void *>(pointers->ExceptionRecord->ExceptionInformation[1]), 1,
               MEM_COMMIT, PAGE_READWRITE) != nullptr
               ? EXCEPTION_CONTINUE_EXECUTION
               : EXCEPTION_EXECUTE_HANDLER;
}

// Local variables that the filter changes need no volatile in C++: it is a function that refers to
// them.
static void commit_on_fault()
{
    const SIZE_T count = 20;
    int pages = 0, asked = 0;
    bool handled = false;
    char *p = static_cast<char *>(VirtualAlloc(nullptr, count * 4096, MEM_RESERVE, PAGE_READWRITE));
    __try {
        std::string text = "some text that is too long for the string itself";
        for (SIZE_T i = 0; i < count * 4096; i++)
            p[i] = text[i % text.size()];
    } __except (asked++, commit(GetExceptionInformation(), pages)) {
        handled = true;
    }
    check(!handled && pages == int(count) && asked == int(count), "commit on fault");
    VirtualFree(p, 0, MEM_RELEASE);
}

static int return_from_body(int *destroyed)
{
    __try {
        Counts counts{ destroyed };
        return 5;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return 6;
    }
    return 7;
}

static int return_through_finally(volatile int *finals)
{
    __try {
        return 7;
    } __finally {
        *finals = *finals + (AbnormalTermination() ? 1 : 100);
    }
    return 8;
}

static void ways_out()
{
    int destroyed = 0;
    volatile int finals = 0;
    check(return_from_body(&destroyed) == 5 && destroyed == 1, "return runs destructors");
    check(return_through_finally(&finals) == 7 && finals == 1, "return runs the final block");
}

static void order()
{
    volatile int trace = 0;
    __try {
        __try {
            raise_deep(3);
        } __finally {
            trace = trace * 10 + 2;
        }
    } __except (trace = 1, EXCEPTION_EXECUTE_HANDLER) {
        trace = trace * 10 + 3;
    }
    check(trace == 123, "filter, final block, handler");
}

static void codes()
{
    volatile DWORD outer = 0, inner = 0, again = 0;
    __try {
        raise_deep(1);
    } __except (GetExceptionCode() == OURS) {
        outer = GetExceptionCode();
        __try {
            RaiseException(7, 0, 0, nullptr);
        } __except (GetExceptionCode() == 7) {
            inner = GetExceptionCode();
        }
        again = GetExceptionCode();
    }
    check(outer == OURS && inner == 7 && again == OURS, "each handler has its own code");
}

static void cxx_exceptions_pass_through()
{
    volatile int finals = 0, handled = 0, caught = 0;
    try {
        __try {
            __try {
                throw std::runtime_error("through");
            } __finally {
                finals = finals + 1;
            }
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            handled = 1;
        }
    } catch (const std::exception &) {
        caught = 1;
    }
    check(finals == 1 && handled == 0 && caught == 1, "throw runs final blocks, is no exception");
    __try {
        raise_deep(1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        handled = 2;
    }
    check(handled == 2, "blocks that were left by throw are out of force");
}

// As on Windows with /EHs: objects between the raise and the handler are not destroyed.
static void no_destructors_on_the_way()
{
    static int destroyed;
    __try {
        Counts counts{ &destroyed };
        raise_deep(1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
    }
    check(destroyed == 0, "a handled exception runs no destructors");
}

template <class T> static T in_a_template(T value)
{
    auto twice = [&]() {
        __try {
            raise_deep(1);
        } __except (GetExceptionCode() == OURS) {
            return value + value;
        }
        return value;
    };
    return twice();
}

struct Object {
    int member = 3;
    bool method()
    {
        volatile bool handled = false;
        __try {
            raise_deep(2);
        } __except (member == 3 ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
            handled = true;
        }
        return handled;
    }
};

// Code of libstdc++ that was read after windows.h and uses its own __try.
static void the_other_try()
{
    std::map<int, std::shared_ptr<std::string>> map;
    map[1] = std::make_shared<std::string>("one");
    std::vector<std::string> list(3);
    bool caught = false;
    try {
        list.at(5);
    } catch (const std::out_of_range &) {
        caught = true;
    }
    check(caught && *map[1] == "one", "libstdc++ has its own word");
}

int main()
{
    commit_on_fault();
    ways_out();
    order();
    codes();
    cxx_exceptions_pass_through();
    no_destructors_on_the_way();
    check(in_a_template(4) == 8 && in_a_template(1.5) == 3.0, "templates and lambdas");
    check(Object().method(), "methods");
    the_other_try();
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
