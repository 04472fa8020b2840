// SPDX-License-Identifier: MIT
// A program some of whose operators new and delete are replaced, as its argument says (a mask, in
// hexadecimal). It calls all 20 forms, and ends with 1 and a line for each that did not reach the
// replaced form that the standard's default definitions reach.
#include "forms.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace
{

struct Form {
    const char *name;
    int base;
};

#define FORM(number, name, base) { name, base },
const Form kForms[FORM_COUNT] = { FORMS(FORM) };

const auto kAligned = static_cast<std::align_val_t>(ALIGNMENT);

using Make = void *(*)(std::size_t);
using Drop = void (*)(void *, std::size_t);

const Make kMakes[] = {
    [](std::size_t n) { return ::operator new(n); },
    [](std::size_t n) { return ::operator new(n, kAligned); },
    [](std::size_t n) { return ::operator new[](n); },
    [](std::size_t n) { return ::operator new[](n, kAligned); },
    [](std::size_t n) { return ::operator new(n, std::nothrow); },
    [](std::size_t n) { return ::operator new[](n, std::nothrow); },
    [](std::size_t n) { return ::operator new(n, kAligned, std::nothrow); },
    [](std::size_t n) { return ::operator new[](n, kAligned, std::nothrow); },
};

const Drop kDrops[] = {
    [](void *p, std::size_t) { ::operator delete(p); },
    [](void *p, std::size_t) { ::operator delete(p, kAligned); },
    [](void *p, std::size_t) { ::operator delete[](p); },
    [](void *p, std::size_t) { ::operator delete[](p, kAligned); },
    [](void *p, std::size_t) { ::operator delete(p, std::nothrow); },
    [](void *p, std::size_t) { ::operator delete[](p, std::nothrow); },
    [](void *p, std::size_t) { ::operator delete(p, kAligned, std::nothrow); },
    [](void *p, std::size_t) { ::operator delete[](p, kAligned, std::nothrow); },
    [](void *p, std::size_t n) { ::operator delete(p, n); },
    [](void *p, std::size_t n) { ::operator delete[](p, n); },
    [](void *p, std::size_t n) { ::operator delete(p, n, kAligned); },
    [](void *p, std::size_t n) { ::operator delete[](p, n, kAligned); },
};

enum { MAKES = 8, NOTHROW_FROM = 4 };

int noted, note_count, failures;

// The replaced form that the form's calls reach; -1: none.
int Reached(unsigned mask, int form)
{
    while (form >= 0 && (mask >> form & 1) == 0)
        form = kForms[form].base;
    return form;
}

const char *NameOf(int form)
{
    return form < 0 ? "none" : kForms[form].name;
}

void Forget()
{
    noted = -1;
    note_count = 0;
}

void Expect(unsigned mask, int form, bool also)
{
    const int expected = Reached(mask, form);
    if (also && noted == expected && note_count == (expected >= 0))
        return;
    failures++;
    std::printf("%05x: %s reached %s (%d calls), not %s%s\n", mask, NameOf(form), NameOf(noted),
                note_count, NameOf(expected), also ? "" : "; wrong result");
}

void CheckMake(unsigned mask, int form)
{
    Forget();
    void *volatile block = kMakes[form](BLOCK_SIZE);
    Expect(mask, form, block != nullptr);
    std::free(block);
}

// A replaced form that has no memory throws; the nothrow forms turn that into a null pointer.
void CheckRefused(unsigned mask, int form)
{
    const bool refuses = Reached(mask, form) >= 0;
    bool caught = false;
    void *volatile block = nullptr;
    Forget();
    try {
        block = kMakes[form](REFUSED_SIZE);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    Expect(mask, form, (block == nullptr) == refuses && caught == (refuses && form < NOTHROW_FROM));
    std::free(block);
}

void CheckDrop(unsigned mask, int form)
{
    void *volatile block = std::aligned_alloc(ALIGNMENT, BLOCK_SIZE);
    Forget();
    kDrops[form - MAKES](block, BLOCK_SIZE);
    Expect(mask, form, true);
    Forget();
    kDrops[form - MAKES](nullptr, BLOCK_SIZE);
    Expect(mask, form, true);
}

} // namespace

extern "C" __attribute__((visibility("default"))) void note_form(int form)
{
    noted = form;
    note_count++;
}

#ifdef TAKES_ADDRESSES
// In a program that is not position independent, the addresses are those of entries of its own.
void *(*volatile new_address)(std::size_t) = &::operator new;
void *(*volatile array_address)(std::size_t) = &::operator new[];
void (*volatile delete_address)(void *) = &::operator delete;
void (*volatile array_delete_address)(void *) = &::operator delete[];
#endif

int main(int argc, char **argv)
{
    const auto mask = static_cast<unsigned>(std::strtoul(argc == 2 ? argv[1] : "0", nullptr, 16));
    for (int round = 0; round < 3; round++)
        for (int form = 0; form < FORM_COUNT; form++) {
            if (form >= MAKES) {
                CheckDrop(mask, form);
                continue;
            }
            CheckMake(mask, form);
            CheckRefused(mask, form);
        }
    return failures != 0;
}
