// SPDX-License-Identifier: MIT
// A C++ library that plugins.c loads into a C program.
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "support/opaque.h"

namespace
{

// Made when the library is loaded and gone when it is unloaded.
std::vector<std::string> at_load(1000, std::string(100, 'x'));

int handled;

void Handler()
{
    handled++;
    std::set_new_handler(nullptr);
}

// Whether operator new fails as the standard says.
bool FailsAsItShould(std::size_t size)
{
    handled = 0;
    std::set_new_handler(Handler);
    try {
        ::operator delete(opaque(::operator new(size)));
        return false;
    } catch (const std::bad_alloc &) {
        return handled == 1;
    }
}

} // namespace

extern "C" {

__attribute__((visibility("default"))) char *plugin_make(std::size_t size)
{
    return static_cast<char *>(opaque(new (std::nothrow) char[size]));
}

__attribute__((visibility("default"))) void plugin_drop(char *block)
{
    delete[] block;
}

// 0, or the number of what went wrong.
__attribute__((visibility("default"))) int plugin_check(std::size_t impossible)
{
    if (at_load.size() != 1000 || at_load[999].size() != 100)
        return 1;
    if (!FailsAsItShould(impossible))
        return 2;
    if (plugin_make(impossible) != nullptr)
        return 3;
    auto shared = std::make_shared<std::string>(5000, 'y');
    return shared->size() == 5000 ? 0 : 4;
}
}
