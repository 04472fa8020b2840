// SPDX-License-Identifier: MIT
// mapped_heap.hpp: heaps in files for C++17: an owning handle, a pointer that means the same wherever
// the file is mapped, and an allocator with which containers live in the heap and are found again by
// a root in the next run. Header only.
//
// Containers. What a container keeps must be offset pointers, so it has to use its allocator's
// pointer type throughout: std::vector and std::basic_string do with libstdc++ and libc++, and all of
// Boost.Container. std::map and std::list keep plain pointers with libstdc++: use Boost's, or a
// memory resource in one run (barrow::heap_resource of heap.hpp over the handle).
//
// Types. What is in the heap must have no virtual functions, references or plain pointers.
//
// Errors. What can't be allocated is a std::bad_alloc; all else a std::system_error whose code is the
// Win32 error, in the category system_category. Destructors never throw: mapped_heap::close() tells
// whether everything could be written.
//
// Threads. As mapped_heap.h says; the objects here are as any others: one thread at a time changes
// one.
#ifndef BARROW_MAPPED_HEAP_HPP
#define BARROW_MAPPED_HEAP_HPP

#include "barrow.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace barrow
{

// The names of <barrow/mapped_heap.h> come with Windows' macros; only these functions are needed.
namespace detail
{

extern "C" {
BARROW_API void *barrow_HeapAlloc(void *heap, std::uint32_t flags, std::size_t size);
BARROW_API int barrow_HeapFree(void *heap, std::uint32_t flags, void *block);
BARROW_API std::uint32_t barrow_GetLastError(void);
BARROW_API void *barrow_heap_open_file(const char *path, std::size_t initial, std::size_t maximum,
                                       std::uint32_t flags);
BARROW_API int barrow_heap_close(void *heap);
BARROW_API int barrow_heap_sync(void *heap);
BARROW_API int barrow_heap_snapshot(void *heap, const char *path);
BARROW_API int barrow_heap_set_root(void *heap, const char *name, const void *block);
BARROW_API void *barrow_heap_root(void *heap, const char *name);
BARROW_API void *barrow_mapped_heap_of(const void *address);
}

[[noreturn]] inline void throw_last_error(const char *what)
{
    throw std::system_error(static_cast<int>(barrow_GetLastError()), std::system_category(), what);
}

} // namespace detail

// A pointer that keeps the distance from itself to what it points to. It may point into the same
// heap, and only objects in that heap may keep one beyond a run. Copying converts, so it is as cheap
// as an addition, but not a byte-wise copy.
template <typename T> class offset_ptr
{
    using distance = std::ptrdiff_t;
    static constexpr distance null = 1; // no object is one byte behind a pointer
    static constexpr distance mark = 2; // of Boost's trees, which keep a colour in it

    distance distance_ = null;

    bool is_null() const noexcept
    {
        return (distance_ & ~mark) == null;
    }

    void set(const volatile void *to) noexcept
    {
        distance_ = to == nullptr ? null
                                  : static_cast<distance>(reinterpret_cast<std::uintptr_t>(to) -
                                                          reinterpret_cast<std::uintptr_t>(this));
    }

  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = offset_ptr;
    using reference = std::add_lvalue_reference_t<T>;
    using iterator_category = std::random_access_iterator_tag;
    template <typename U> using rebind = offset_ptr<U>;

    offset_ptr() noexcept = default;
    offset_ptr(std::nullptr_t) noexcept {}
    template <typename U, typename = std::enable_if_t<std::is_convertible_v<U *, T *>>>
    offset_ptr(U *to) noexcept
    {
        set(static_cast<T *>(to));
    }
    offset_ptr(const offset_ptr &other) noexcept
    {
        *this = other;
    }
    template <typename U, typename = std::enable_if_t<std::is_convertible_v<U *, T *>>>
    offset_ptr(const offset_ptr<U> &other) noexcept
    {
        set(static_cast<T *>(other.get()));
    }
    // As static_cast does it: from a base, or from void.
    template <typename U, typename = void,
              typename = std::enable_if_t<!std::is_convertible_v<U *, T *>>,
              typename = decltype(static_cast<T *>(std::declval<U *>()))>
    explicit offset_ptr(const offset_ptr<U> &other) noexcept
    {
        set(static_cast<T *>(other.get()));
    }
    ~offset_ptr() = default;

    offset_ptr &operator=(const offset_ptr &other) noexcept
    {
        if (other.is_null())
            distance_ = other.distance_;
        else
            set(other.get());
        return *this;
    }

    T *get() const noexcept
    {
        if (is_null())
            return nullptr;
        return reinterpret_cast<T *>(reinterpret_cast<std::uintptr_t>(this) +
                                     static_cast<std::uintptr_t>(distance_));
    }
    T *operator->() const noexcept
    {
        return get();
    }
    template <typename U = T> std::add_lvalue_reference_t<U> operator*() const noexcept
    {
        return *get();
    }
    template <typename U = T>
    std::add_lvalue_reference_t<U> operator[](difference_type i) const noexcept
    {
        return get()[i];
    }
    explicit operator bool() const noexcept
    {
        return !is_null();
    }
    bool operator!() const noexcept
    {
        return is_null();
    }

    // A bit beside a pointer to what is aligned to four bytes or more; the pointer itself is without.
    bool is_marked() const noexcept
    {
        return (distance_ & mark) != 0;
    }
    void set_marked(bool marked) noexcept
    {
        distance_ = marked ? distance_ | mark : distance_ & ~mark;
    }
    T *get_unmarked() const noexcept
    {
        if (is_null())
            return nullptr;
        return reinterpret_cast<T *>(reinterpret_cast<std::uintptr_t>(this) +
                                     static_cast<std::uintptr_t>(distance_ & ~mark));
    }

    template <typename U = T, typename = std::enable_if_t<!std::is_void_v<U>>>
    static offset_ptr pointer_to(U &to) noexcept
    {
        return offset_ptr(std::addressof(to));
    }

    offset_ptr &operator+=(difference_type n) noexcept
    {
        set(get() + n);
        return *this;
    }
    offset_ptr &operator-=(difference_type n) noexcept
    {
        return *this += -n;
    }
    offset_ptr &operator++() noexcept
    {
        return *this += 1;
    }
    offset_ptr &operator--() noexcept
    {
        return *this -= 1;
    }
    offset_ptr operator++(int) noexcept
    {
        offset_ptr before(*this);
        ++*this;
        return before;
    }
    offset_ptr operator--(int) noexcept
    {
        offset_ptr before(*this);
        --*this;
        return before;
    }
    friend offset_ptr operator+(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() + n);
    }
    friend offset_ptr operator+(difference_type n, const offset_ptr &p) noexcept
    {
        return p + n;
    }
    friend offset_ptr operator-(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() - n);
    }
    friend difference_type operator-(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return a.get() - b.get();
    }
};

template <typename T, typename U>
bool operator==(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return a.get() == b.get();
}
template <typename T, typename U>
bool operator!=(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return a.get() != b.get();
}
template <typename T, typename U>
bool operator<(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return a.get() < b.get();
}
template <typename T, typename U>
bool operator>(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return b < a;
}
template <typename T, typename U>
bool operator<=(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return !(b < a);
}
template <typename T, typename U>
bool operator>=(const offset_ptr<T> &a, const offset_ptr<U> &b) noexcept
{
    return !(a < b);
}
template <typename T> bool operator==(const offset_ptr<T> &a, std::nullptr_t) noexcept
{
    return !a;
}
template <typename T> bool operator==(std::nullptr_t, const offset_ptr<T> &a) noexcept
{
    return !a;
}
template <typename T> bool operator!=(const offset_ptr<T> &a, std::nullptr_t) noexcept
{
    return static_cast<bool>(a);
}
template <typename T> bool operator!=(std::nullptr_t, const offset_ptr<T> &a) noexcept
{
    return static_cast<bool>(a);
}

// Allocates from the mapped heap that its anchor, any place in the heap, lies in. It may itself be in
// the heap, as a part of a container that is: in another process it finds the handle there.
template <typename T> class mapped_allocator
{
    offset_ptr<const void> anchor_;

    template <typename U> friend class mapped_allocator;

    static std::size_t bytes(std::size_t count)
    {
        if (count >
            static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T))
            throw std::bad_array_new_length();
        return count * sizeof(T);
    }

  public:
    using value_type = T;
    using pointer = offset_ptr<T>;
    using const_pointer = offset_ptr<const T>;
    using void_pointer = offset_ptr<void>;
    using const_void_pointer = offset_ptr<const void>;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using is_always_equal = std::false_type;
    template <typename U> struct rebind {
        using other = mapped_allocator<U>;
    };

    explicit mapped_allocator(const void *anchor) noexcept : anchor_(anchor) {}
    mapped_allocator(const mapped_allocator &) noexcept = default;
    template <typename U>
    mapped_allocator(const mapped_allocator<U> &other) noexcept : anchor_(other.anchor_)
    {
    }
    mapped_allocator &operator=(const mapped_allocator &) noexcept = default;
    ~mapped_allocator() = default;

    // nullptr if the heap is not open in this process.
    void *handle() const noexcept
    {
        return detail::barrow_mapped_heap_of(anchor_.get());
    }

    [[nodiscard]] pointer allocate(std::size_t count)
    {
        std::size_t size = bytes(count);
        void *heap = handle();
        void *block = heap == nullptr   ? nullptr
                      : alignof(T) > 16 ? barrow_heap_aligned_alloc(heap, alignof(T), size)
                                        : detail::barrow_HeapAlloc(heap, 0, size);
        if (block == nullptr)
            throw std::bad_alloc();
        return pointer(static_cast<T *>(block));
    }

    void deallocate(pointer block, std::size_t) noexcept
    {
        detail::barrow_HeapFree(handle(), 0, const_cast<std::remove_cv_t<T> *>(block.get()));
    }
};

template <typename T, typename U>
bool operator==(const mapped_allocator<T> &a, const mapped_allocator<U> &b) noexcept
{
    return a.handle() == b.handle();
}
template <typename T, typename U>
bool operator!=(const mapped_allocator<T> &a, const mapped_allocator<U> &b) noexcept
{
    return !(a == b);
}

// A heap in a file, open as long as the object lives. Can be moved, not copied.
class mapped_heap
{
    void *handle_ = nullptr;

  public:
    static constexpr std::uint32_t read_only = 1, must_exist = 2, must_be_new = 4, durable = 8,
                                   repair = 16;

    // As barrow_heap_open_file. Throws std::system_error.
    explicit mapped_heap(const char *path, std::size_t maximum = 0, std::uint32_t flags = 0,
                         std::size_t initial = 0)
        : handle_(detail::barrow_heap_open_file(path, initial, maximum, flags))
    {
        if (handle_ == nullptr)
            detail::throw_last_error("mapped_heap");
    }
    mapped_heap(mapped_heap &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    mapped_heap &operator=(mapped_heap &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    mapped_heap(const mapped_heap &) = delete;
    mapped_heap &operator=(const mapped_heap &) = delete;
    ~mapped_heap()
    {
        if (handle_ != nullptr)
            detail::barrow_heap_close(handle_);
    }

    void *handle() const noexcept
    {
        return handle_;
    }

    // Throws if not everything could be written. The heap is closed in any case.
    void close()
    {
        if (handle_ != nullptr && !detail::barrow_heap_close(std::exchange(handle_, nullptr)))
            detail::throw_last_error("mapped_heap::close");
    }
    void sync()
    {
        if (!detail::barrow_heap_sync(handle_))
            detail::throw_last_error("mapped_heap::sync");
    }
    void snapshot(const char *path)
    {
        if (!detail::barrow_heap_snapshot(handle_, path))
            detail::throw_last_error("mapped_heap::snapshot");
    }

    // The object with that name, or nullptr. The type is the caller's word.
    template <typename T> T *find(const char *name) const noexcept
    {
        return static_cast<T *>(detail::barrow_heap_root(handle_, name));
    }

    // The object with that name; if there is none, it is made of the arguments first. T's own
    // allocator, if it has one, is made of a place in the heap: pass allocator_at(place) where the
    // constructor wants it.
    template <typename T, typename Make> T *find_or_make(const char *name, Make make)
    {
        if (T *found = find<T>(name))
            return found;
        void *block = alignof(T) > 16 ? barrow_heap_aligned_alloc(handle_, alignof(T), sizeof(T))
                                      : detail::barrow_HeapAlloc(handle_, 0, sizeof(T));
        if (block == nullptr)
            throw std::bad_alloc();
        T *object;
        try {
            object = make(block);
        } catch (...) {
            detail::barrow_HeapFree(handle_, 0, block);
            throw;
        }
        if (detail::barrow_heap_set_root(handle_, name, block))
            return object;
        std::destroy_at(object);
        detail::barrow_HeapFree(handle_, 0, block);
        detail::throw_last_error("mapped_heap::find_or_make");
    }

    // A container with a mapped_allocator, found or made empty.
    template <typename Container> Container *container(const char *name)
    {
        return find_or_make<Container>(name, [](void *block) {
            return new (block) Container(typename Container::allocator_type(block));
        });
    }
};

} // namespace barrow

// So that the nodes of Boost's trees have no word for their colour.
namespace boost::intrusive
{

template <class Pointer, std::size_t Bits> struct pointer_plus_bits;
template <class VoidPointer, std::size_t Alignment> struct max_pointer_plus_bits;

template <std::size_t Alignment> struct max_pointer_plus_bits<barrow::offset_ptr<void>, Alignment> {
    static const std::size_t value = Alignment % 4 == 0 ? 1 : 0;
};

template <class T> struct pointer_plus_bits<barrow::offset_ptr<T>, 1> {
    using pointer = barrow::offset_ptr<T>;

    static pointer get_pointer(const pointer &p) noexcept
    {
        return pointer(p.get_unmarked());
    }
    static void set_pointer(pointer &p, const pointer &to) noexcept
    {
        bool marked = p.is_marked();
        p = to;
        p.set_marked(marked);
    }
    static std::size_t get_bits(const pointer &p) noexcept
    {
        return p.is_marked() ? 1 : 0;
    }
    static void set_bits(pointer &p, std::size_t bits) noexcept
    {
        p.set_marked(bits != 0);
    }
};

} // namespace boost::intrusive

#endif
