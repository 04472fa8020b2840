// SPDX-License-Identifier: MIT
// C++'s operators in a program that barrow.dll is brought into, and what the standard library makes
// with them. Ends with 0 if all is barrow's.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>
#include <windows.h>

namespace
{

int failures;

bool owned(const void *address)
{
    static const auto owns = reinterpret_cast<int (*)(const void *)>(reinterpret_cast<void *>(
        GetProcAddress(GetModuleHandleA("barrow.dll"), "barrow_redirect_owns")));
    return owns != nullptr && owns(address);
}

void expect(bool condition, const char *what)
{
    if (condition)
        return;
    failures++;
    std::printf("not so: %s\n", what);
}

struct alignas(256) wide {
    char bytes[300];
};

std::string *const before_main = new std::string(100, 'x');

void single()
{
    std::unique_ptr<int> number(new int(5));
    expect(owned(number.get()), "new is barrow's");
    std::unique_ptr<int[]> numbers(new int[1000]);
    expect(owned(numbers.get()), "new[] is barrow's");
    std::unique_ptr<int> quiet(new (std::nothrow) int(5));
    expect(owned(quiet.get()), "new (nothrow) is barrow's");
    std::unique_ptr<wide> aligned(new wide);
    expect(owned(aligned.get()), "aligned new is barrow's");
    expect(reinterpret_cast<std::uintptr_t>(aligned.get()) % 256 == 0, "aligned new is aligned");
}

void containers()
{
    std::vector<std::string> texts;
    for (int i = 0; i < 1000; i++)
        texts.push_back(std::string(static_cast<std::size_t>(i), 'x'));
    expect(owned(texts.data()) && owned(texts.back().data()), "vectors and strings are barrow's");
    std::map<int, int> map{ { 1, 2 } };
    expect(owned(&map.begin()->second), "maps are barrow's");
    expect(owned(before_main) && owned(before_main->data()),
           "blocks from before main are barrow's");
}

void failing()
{
    volatile std::size_t much = SIZE_MAX / 4;
    bool thrown = false;
    try {
        delete[] new char[much];
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    expect(thrown, "new throws bad_alloc");
    expect(new (std::nothrow) char[much] == nullptr, "new (nothrow) returns a null pointer");
}

} // namespace

int main()
{
    single();
    containers();
    failing();
    delete before_main;
    std::printf("%d failed\n", failures);
    return failures != 0;
}
