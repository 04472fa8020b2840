// SPDX-License-Identifier: MIT
// heap.hpp: private heaps for C++17: an owning heap, a memory resource and an allocator over a
// heap, and a scope in which plain malloc and operator new are served by one. Header only.
//
// Errors. What can't be allocated is a std::bad_alloc; a heap that can't be made, and a bad handle,
// a std::system_error of the generic category. Destructors never throw. In programs that are compiled
// without exceptions (-fno-exceptions) std::terminate is called instead. RTTI is not needed.
//
// Threads. As for the heap: any number at once may use a serialized one, one at a time a heap made
// with barrow::heap_options::no_serialize. The objects here hold handles and nothing else; as any
// object, one must not be changed by a thread while another uses it.
#ifndef BARROW_HEAP_HPP
#define BARROW_HEAP_HPP

#include "barrow.h"

#include <cerrno>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory_resource>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace barrow
{

// The names of <barrow/heapapi.h> are many and some are macros; only these functions are needed.
namespace detail
{

extern "C" {
BARROW_API void *barrow_HeapCreate(std::uint32_t options, std::size_t initial, std::size_t maximum);
BARROW_API int barrow_HeapDestroy(void *heap);
BARROW_API int barrow_HeapFree(void *heap, std::uint32_t flags, void *block);
BARROW_API std::size_t barrow_HeapCompact(void *heap, std::uint32_t flags);
BARROW_API void *barrow_GetProcessHeap(void);
}

template <typename E> [[noreturn]] void raise(const E &error)
{
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    throw error;
#else
    static_cast<void>(error);
    std::terminate();
#endif
}

[[noreturn]] inline void throw_error(int error, const char *what)
{
    raise(std::system_error(error, std::generic_category(), what));
}

inline void throw_unless_done(int result, const char *what)
{
    if (result != 0)
        throw_error(errno, what);
}

// Blocks are aligned to 16 bytes at least.
inline void *allocate(void *heap, std::size_t bytes, std::size_t alignment)
{
    void *block = barrow_heap_aligned_alloc(heap, alignment, bytes);
    if (block == nullptr)
        raise(std::bad_alloc());
    return block;
}

} // namespace detail

// How a heap is made, as HeapCreate's parameters say it. Sizes in bytes.
struct heap_options {
    bool no_serialize = false; // one thread at a time uses it; the program sees to that
    bool executable = false;   // its blocks are executable memory
    std::size_t initial = 0;   // memory committed at once
    std::size_t maximum = 0;   // the most it may come to; 0: no such limit
    const char *name = nullptr;
};

// A heap that lives as long as the object: its destructor destroys the heap with all that is in it,
// whatever still points there. Can be moved, not copied. A heap that was moved from has no handle:
// it may be destroyed, assigned to and asked for its handle.
class heap
{
  public:
    heap() : heap(heap_options{}) {}

    // Throws std::system_error (ENOMEM: there is no memory or address space; ERANGE: the name is
    // too long).
    explicit heap(const heap_options &options)
        : handle_(detail::barrow_HeapCreate((options.no_serialize ? 0x1u : 0u) |
                                                (options.executable ? 0x40000u : 0u),
                                            options.initial, options.maximum))
    {
        if (handle_ == nullptr)
            detail::throw_error(ENOMEM, "barrow::heap");
        if (options.name != nullptr && barrow_heap_set_name(handle_, options.name) != 0) {
            int error = errno;
            reset();
            detail::throw_error(error, "barrow::heap: name");
        }
    }

    heap(heap &&other) noexcept : handle_(other.release()) {}

    heap &operator=(heap &&other) noexcept
    {
        if (this != &other) {
            reset();
            handle_ = other.release();
        }
        return *this;
    }

    heap(const heap &) = delete;
    heap &operator=(const heap &) = delete;

    ~heap()
    {
        reset();
    }

    // For the Heap functions and those of barrow.h; null when moved from.
    void *handle() const noexcept
    {
        return handle_;
    }

    // Gives up ownership: the caller destroys the heap.
    void *release() noexcept
    {
        return std::exchange(handle_, nullptr);
    }

    // Destroys the heap now.
    void reset() noexcept
    {
        if (handle_ != nullptr)
            detail::barrow_HeapDestroy(std::exchange(handle_, nullptr));
    }

    // A block at a multiple of alignment, a power of two. Throws std::bad_alloc.
    void *allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t))
    {
        return detail::allocate(handle_, bytes, alignment);
    }

    // Frees a block of this heap; anything else changes nothing.
    void deallocate(void *block) noexcept
    {
        detail::barrow_HeapFree(handle_, 0, block);
    }

    // See barrow_heap_set_limit. Throws std::system_error.
    void limit(std::size_t bytes, barrow_limit_call *call = nullptr, void *context = nullptr)
    {
        detail::throw_unless_done(barrow_heap_set_limit(handle_, bytes, call, context),
                                  "barrow::heap::limit");
    }

    // See barrow_heap_stats_get. Throws std::system_error.
    barrow_heap_stats stats() const
    {
        barrow_heap_stats stats = {};
        stats.size = sizeof stats;
        detail::throw_unless_done(barrow_heap_stats_get(handle_, &stats), "barrow::heap::stats");
        return stats;
    }

    // See barrow_heap_json. Throws std::system_error, std::bad_alloc.
    std::string json() const
    {
        std::string text;
        int length = barrow_heap_json(handle_, nullptr, 0);
        // other threads may make it longer in between
        while (length >= 0 && text.size() <= static_cast<std::size_t>(length)) {
            text.resize(static_cast<std::size_t>(length) + 16);
            length = barrow_heap_json(handle_, text.data(), text.size());
        }
        if (length < 0)
            detail::throw_error(errno, "barrow::heap::json");
        text.resize(static_cast<std::size_t>(length));
        return text;
    }

    // Gives empty memory back; the largest free block that is left, in bytes.
    std::size_t compact() noexcept
    {
        return detail::barrow_HeapCompact(handle_, 0);
    }

  private:
    void *handle_;
};

// A std::pmr::memory_resource over a heap, which must outlive it. Resources over the same heap are
// equal: what one allocated the other may free.
class heap_resource final : public std::pmr::memory_resource
{
  public:
    explicit heap_resource(void *handle) noexcept : handle_(handle) {}

    explicit heap_resource(const heap &heap) noexcept : handle_(heap.handle()) {}

    void *handle() const noexcept
    {
        return handle_;
    }

  private:
    void *do_allocate(std::size_t bytes, std::size_t alignment) override
    {
        return detail::allocate(handle_, bytes, alignment);
    }

    void do_deallocate(void *block, std::size_t, std::size_t) override
    {
        detail::barrow_HeapFree(handle_, 0, block);
    }

    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        // The other one is asked in turn, so that its type need not be known. The one that asks is
        // of this class, and so is an `other` at its address.
        struct asker {
            const void *resource, *heap;
        };
        static thread_local asker asking = {};
        if (&other == asking.resource)
            return asking.heap == handle_;
        if (&other == this || asking.resource == this) // the latter: it does nothing but ask back
            return &other == this;
        const asker before = std::exchange(asking, asker{ this, handle_ });
        bool equal = other.is_equal(*this);
        asking = before;
        return equal;
    }

    void *handle_;
};

// A standard allocator over a heap, which must outlive all containers that use it. Allocators over
// the same heap are equal. A container takes the allocator along when it is moved, swapped or
// assigned to: so moving never copies elements, and a container that is assigned to comes to live
// in the other's heap. A copy of a container lives in the same heap.
template <typename T> class allocator
{
  public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::false_type;

    explicit allocator(void *handle) noexcept : handle_(handle) {}

    // Implicit, so that a heap can be passed where a container wants its allocator.
    allocator(const heap &heap) noexcept : handle_(heap.handle()) {}

    template <typename U> allocator(const allocator<U> &other) noexcept : handle_(other.handle()) {}

    // Throws std::bad_array_new_length, std::bad_alloc.
    T *allocate(std::size_t count)
    {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
            detail::raise(std::bad_array_new_length());
        return static_cast<T *>(detail::allocate(handle_, count * sizeof(T), alignof(T)));
    }

    void deallocate(T *block, std::size_t) noexcept
    {
        detail::barrow_HeapFree(handle_, 0, block);
    }

    void *handle() const noexcept
    {
        return handle_;
    }

  private:
    void *handle_;
};

template <typename T, typename U>
bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return a.handle() == b.handle();
}

template <typename T, typename U>
bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return a.handle() != b.handle();
}

// While the object lives, the thread that made it has its plain malloc and operator new served by
// the heap; see barrow_scope_enter. It must be destroyed by the same thread, so it is best a
// variable of a block.
class scope
{
  public:
    // Null: malloc's own heap. Throws std::system_error (EINVAL: a bad handle).
    explicit scope(void *handle)
    {
        detail::throw_unless_done(barrow_scope_enter(&before_, handle), "barrow::scope");
    }

    explicit scope(const heap &heap) : scope(heap.handle()) {}

    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

    ~scope()
    {
        barrow_scope_leave(&before_);
    }

  private:
    barrow_scope before_;
};

} // namespace barrow

#endif
