// SPDX-License-Identifier: MIT
// One form, REPLACED, as a program may replace it.
#include "forms.h"

#include <cstdlib>
#include <new>

namespace
{

[[maybe_unused]] void *make_or_null(std::size_t size, std::size_t alignment)
{
    note_form(REPLACED);
    return size == REFUSED_SIZE ? nullptr
           : alignment == 1     ? std::malloc(size)
                                : std::aligned_alloc(alignment, size);
}

[[maybe_unused]] void *make(std::size_t size, std::size_t alignment)
{
    void *block = make_or_null(size, alignment);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}

[[maybe_unused]] void drop(void *block) noexcept
{
    note_form(REPLACED);
    std::free(block);
}

} // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

// clang-format off
#define ALIGN static_cast<size_t>(alignment)
#if REPLACED == 0
void *operator new(size_t size) { return make(size, 1); }
#elif REPLACED == 1
void *operator new(size_t size, align_val_t alignment) { return make(size, ALIGN); }
#elif REPLACED == 2
void *operator new[](size_t size) { return make(size, 1); }
#elif REPLACED == 3
void *operator new[](size_t size, align_val_t alignment) { return make(size, ALIGN); }
#elif REPLACED == 4
void *operator new(size_t size, const nothrow_t &) noexcept { return make_or_null(size, 1); }
#elif REPLACED == 5
void *operator new[](size_t size, const nothrow_t &) noexcept { return make_or_null(size, 1); }
#elif REPLACED == 6
void *operator new(size_t size, align_val_t alignment, const nothrow_t &) noexcept { return make_or_null(size, ALIGN); }
#elif REPLACED == 7
void *operator new[](size_t size, align_val_t alignment, const nothrow_t &) noexcept { return make_or_null(size, ALIGN); }
#elif REPLACED == 8
void operator delete(void *block) noexcept { drop(block); }
#elif REPLACED == 9
void operator delete(void *block, align_val_t) noexcept { drop(block); }
#elif REPLACED == 10
void operator delete[](void *block) noexcept { drop(block); }
#elif REPLACED == 11
void operator delete[](void *block, align_val_t) noexcept { drop(block); }
#elif REPLACED == 12
void operator delete(void *block, const nothrow_t &) noexcept { drop(block); }
#elif REPLACED == 13
void operator delete[](void *block, const nothrow_t &) noexcept { drop(block); }
#elif REPLACED == 14
void operator delete(void *block, align_val_t, const nothrow_t &) noexcept { drop(block); }
#elif REPLACED == 15
void operator delete[](void *block, align_val_t, const nothrow_t &) noexcept { drop(block); }
#elif REPLACED == 16
void operator delete(void *block, size_t) noexcept { drop(block); }
#elif REPLACED == 17
void operator delete[](void *block, size_t) noexcept { drop(block); }
#elif REPLACED == 18
void operator delete(void *block, size_t, align_val_t) noexcept { drop(block); }
#elif REPLACED == 19
void operator delete[](void *block, size_t, align_val_t) noexcept { drop(block); }
#else
#error "REPLACED is the number of a form"
#endif
// clang-format on
