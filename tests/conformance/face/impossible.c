/* SPDX-License-Identifier: MIT */
/* Requests that no heap can grant: each gives NULL and the errno of POSIX, C23 and glibc; as the
 * very first call of a process, as the first of a thread, and later on. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "support/calls.h"
#include "support/child.h"
#include "support/suite.h"

#define OVER   ((size_t)PTRDIFF_MAX + 1)
#define TOP    (SIZE_MAX / 2 + 1) /* the largest power of two */
#define ROOT   ((size_t)1 << 32)  /* its square is one more than SIZE_MAX */
#define BEYOND ((size_t)1 << 56)  /* more than any user space today, less than PTRDIFF_MAX */

enum entry {
    MALLOC,
    CALLOC,
    REALLOC,
    REALLOC_LIVE,
    REALLOCARRAY,
    REALLOCARRAY_LIVE,
    ALIGNED_ALLOC,
    POSIX_MEMALIGN,
    MEMALIGN,
    VALLOC,
    PVALLOC
};

struct request {
    enum entry entry;
    size_t first; /* size; count or alignment where there are two */
    size_t second;
    int error;
};

static const char *const entry_names[] = {
    [MALLOC] = "malloc",
    [CALLOC] = "calloc",
    [REALLOC] = "realloc(NULL)",
    [REALLOC_LIVE] = "realloc",
    [REALLOCARRAY] = "reallocarray(NULL)",
    [REALLOCARRAY_LIVE] = "reallocarray",
    [ALIGNED_ALLOC] = "aligned_alloc",
    [POSIX_MEMALIGN] = "posix_memalign",
    [MEMALIGN] = "memalign",
    [VALLOC] = "valloc",
    [PVALLOC] = "pvalloc",
};

static const struct request requests[] = {
    { MALLOC, PTRDIFF_MAX, 0, ENOMEM },
    { MALLOC, OVER, 0, ENOMEM },
    { MALLOC, SIZE_MAX, 0, ENOMEM },
    { MALLOC, SIZE_MAX - 1, 0, ENOMEM },
    { MALLOC, SIZE_MAX - 15, 0, ENOMEM },
    { MALLOC, SIZE_MAX - 4095, 0, ENOMEM },
    { MALLOC, SIZE_MAX - 65535, 0, ENOMEM },
    { MALLOC, SIZE_MAX - 4 * 1024 * 1024, 0, ENOMEM },
    { MALLOC, PTRDIFF_MAX - 4095, 0, ENOMEM },
    { MALLOC, PTRDIFF_MAX - 65535, 0, ENOMEM },
    { MALLOC, BEYOND, 0, ENOMEM },

    { CALLOC, 1, PTRDIFF_MAX, ENOMEM },
    { CALLOC, PTRDIFF_MAX, 1, ENOMEM },
    { CALLOC, 1, OVER, ENOMEM },
    { CALLOC, SIZE_MAX, 1, ENOMEM },
    { CALLOC, 1, SIZE_MAX, ENOMEM },
    { CALLOC, SIZE_MAX, SIZE_MAX, ENOMEM },
    { CALLOC, TOP, 2, ENOMEM },
    { CALLOC, 2, TOP, ENOMEM },
    { CALLOC, SIZE_MAX / 16 + 1, 16, ENOMEM },
    { CALLOC, 16, SIZE_MAX / 16 + 2, ENOMEM },
    { CALLOC, ROOT, ROOT, ENOMEM },
    { CALLOC, ROOT + 1, ROOT, ENOMEM },
    { CALLOC, SIZE_MAX / 3, 4, ENOMEM },
    { CALLOC, BEYOND, 1, ENOMEM },

    { REALLOC, PTRDIFF_MAX, 0, ENOMEM },
    { REALLOC, OVER, 0, ENOMEM },
    { REALLOC, SIZE_MAX, 0, ENOMEM },
    { REALLOC, SIZE_MAX - 15, 0, ENOMEM },
    { REALLOC, BEYOND, 0, ENOMEM },
    { REALLOC_LIVE, PTRDIFF_MAX, 0, ENOMEM },
    { REALLOC_LIVE, OVER, 0, ENOMEM },
    { REALLOC_LIVE, SIZE_MAX, 0, ENOMEM },
    { REALLOC_LIVE, SIZE_MAX - 15, 0, ENOMEM },
    { REALLOC_LIVE, SIZE_MAX - 65535, 0, ENOMEM },
    { REALLOC_LIVE, BEYOND, 0, ENOMEM },

    { REALLOCARRAY, SIZE_MAX, SIZE_MAX, ENOMEM },
    { REALLOCARRAY, TOP, 2, ENOMEM },
    { REALLOCARRAY, ROOT, ROOT, ENOMEM },
    { REALLOCARRAY, 1, OVER, ENOMEM },
    { REALLOCARRAY_LIVE, SIZE_MAX, SIZE_MAX, ENOMEM },
    { REALLOCARRAY_LIVE, TOP, 2, ENOMEM },
    { REALLOCARRAY_LIVE, 2, TOP, ENOMEM },
    { REALLOCARRAY_LIVE, SIZE_MAX / 16 + 1, 16, ENOMEM },
    { REALLOCARRAY_LIVE, SIZE_MAX / 16 + 2, 16, ENOMEM },
    { REALLOCARRAY_LIVE, ROOT, ROOT, ENOMEM },
    { REALLOCARRAY_LIVE, 1, OVER, ENOMEM },
    { REALLOCARRAY_LIVE, SIZE_MAX, 1, ENOMEM },

    { ALIGNED_ALLOC, 0, 64, EINVAL },
    { ALIGNED_ALLOC, 3, 64, EINVAL },
    { ALIGNED_ALLOC, 24, 48, EINVAL },
    { ALIGNED_ALLOC, 4095, 64, EINVAL },
    { ALIGNED_ALLOC, TOP + 1, 64, EINVAL },
    { ALIGNED_ALLOC, SIZE_MAX, 64, EINVAL },
    { ALIGNED_ALLOC, 3, SIZE_MAX, EINVAL },
    { ALIGNED_ALLOC, 3, 0, EINVAL },
    { ALIGNED_ALLOC, 1, SIZE_MAX, ENOMEM },
    { ALIGNED_ALLOC, 16, OVER, ENOMEM },
    { ALIGNED_ALLOC, 16, PTRDIFF_MAX, ENOMEM },
    { ALIGNED_ALLOC, 64, SIZE_MAX - 10, ENOMEM },
    { ALIGNED_ALLOC, 4096, SIZE_MAX - 4096, ENOMEM },
    { ALIGNED_ALLOC, 65536, SIZE_MAX - 65535, ENOMEM },
    { ALIGNED_ALLOC, TOP, 64, ENOMEM },
    { ALIGNED_ALLOC, TOP, SIZE_MAX, ENOMEM },
    { ALIGNED_ALLOC, TOP / 2, 64, ENOMEM },
    { ALIGNED_ALLOC, 16, BEYOND, ENOMEM },

    { POSIX_MEMALIGN, 0, 64, EINVAL },
    { POSIX_MEMALIGN, 1, 64, EINVAL },
    { POSIX_MEMALIGN, 2, 64, EINVAL },
    { POSIX_MEMALIGN, 4, 64, EINVAL },
    { POSIX_MEMALIGN, 3, 64, EINVAL },
    { POSIX_MEMALIGN, 9, 64, EINVAL },
    { POSIX_MEMALIGN, 24, 64, EINVAL },
    { POSIX_MEMALIGN, TOP + 8, 64, EINVAL },
    { POSIX_MEMALIGN, SIZE_MAX, 64, EINVAL },
    { POSIX_MEMALIGN, 24, SIZE_MAX, EINVAL },
    { POSIX_MEMALIGN, 24, 0, EINVAL },
    { POSIX_MEMALIGN, 8, SIZE_MAX, ENOMEM },
    { POSIX_MEMALIGN, 16, OVER, ENOMEM },
    { POSIX_MEMALIGN, 4096, PTRDIFF_MAX, ENOMEM },
    { POSIX_MEMALIGN, 4096, SIZE_MAX - 4096, ENOMEM },
    { POSIX_MEMALIGN, TOP, 64, ENOMEM },
    { POSIX_MEMALIGN, 16, BEYOND, ENOMEM },

    { MEMALIGN, TOP + 1, 64, EINVAL },
    { MEMALIGN, SIZE_MAX, 64, EINVAL },
    { MEMALIGN, SIZE_MAX, SIZE_MAX, EINVAL },
    { MEMALIGN, 0, SIZE_MAX, ENOMEM },
    { MEMALIGN, 1, SIZE_MAX, ENOMEM },
    { MEMALIGN, 16, OVER, ENOMEM },
    { MEMALIGN, 4096, PTRDIFF_MAX, ENOMEM },
    { MEMALIGN, 4096, SIZE_MAX - 4096, ENOMEM },
    { MEMALIGN, 5000, SIZE_MAX - 4096, ENOMEM },
    { MEMALIGN, TOP, 64, ENOMEM },
    { MEMALIGN, TOP - 1, 64, ENOMEM },

    { VALLOC, PTRDIFF_MAX, 0, ENOMEM },
    { VALLOC, OVER, 0, ENOMEM },
    { VALLOC, SIZE_MAX, 0, ENOMEM },
    { VALLOC, SIZE_MAX - 4095, 0, ENOMEM },
    { VALLOC, SIZE_MAX - 65535, 0, ENOMEM },

    { PVALLOC, PTRDIFF_MAX, 0, ENOMEM },
    { PVALLOC, OVER, 0, ENOMEM },
    { PVALLOC, SIZE_MAX, 0, ENOMEM },
    { PVALLOC, SIZE_MAX - 4094, 0, ENOMEM },
    { PVALLOC, SIZE_MAX - 4095, 0, ENOMEM },
    { PVALLOC, SIZE_MAX - 4096, 0, ENOMEM },
    { PVALLOC, SIZE_MAX - 65535, 0, ENOMEM },
};

enum { REQUESTS = sizeof(requests) / sizeof(requests[0]), UNTOUCHED = 4711 };

static void *request_call(const struct request *request, void *live)
{
    size_t first = opaque_size(request->first);
    size_t second = opaque_size(request->second);

    switch (request->entry) {
    case MALLOC:
        return malloc(first);
    case CALLOC:
        return calloc(first, second);
    case REALLOC:
    case REALLOC_LIVE:
        return realloc(live, first);
    case REALLOCARRAY:
    case REALLOCARRAY_LIVE:
        return reallocarray(live, first, second);
    case ALIGNED_ALLOC:
        return aligned_alloc(first, second);
    case MEMALIGN:
        return memalign(first, second);
    case VALLOC:
        return valloc(first);
    default:
        return pvalloc(first);
    }
}

/* posix_memalign answers by its result and leaves errno and its argument alone. */
static const char *aligned_refused(const struct request *request)
{
    void *out = (void *)requests;
    size_t alignment = opaque_size(request->first);

    errno = UNTOUCHED;
    int error = posix_memalign(&out, alignment, opaque_size(request->second));
    if (error == 0)
        return "was granted";
    if (errno != UNTOUCHED)
        return "errno was changed";
    if (out != (void *)requests)
        return "the result was written";
    return error == request->error ? NULL : "wrong error returned";
}

/* Makes the request; NULL when it is refused as it should be, else what is wrong. */
static const char *request_refused(const struct request *request)
{
    bool has_live = request->entry == REALLOC_LIVE || request->entry == REALLOCARRAY_LIVE;
    char *live = NULL;
    const char *fault = NULL;

    if (request->entry == POSIX_MEMALIGN)
        return aligned_refused(request);
    if (has_live) {
        live = malloc(100);
        memset(live, 'x', 100);
    }
    errno = 0;
    void *block = opaque(request_call(request, live));
    int error = errno;
    if (block != NULL)
        return "was granted";
    if (error != request->error)
        fault = error == 0 ? "errno is unset" : "wrong errno";
    if (has_live && (live[0] != 'x' || memcmp(live, live + 1, 99) != 0))
        fault = "the old block was changed";
    free(live);
    return fault;
}

static void request_show(const struct request *request, const char *when, const char *fault)
{
    printf("%s, %s of %#zx, %#zx: %s\n", when, entry_names[request->entry], request->first,
           request->second, fault);
}

static int first_call(const char *argument)
{
    size_t index = 0;

    for (; *argument != '\0'; argument++)
        index = index * 10 + (size_t)(*argument - '0');
    const char *fault = request_refused(&requests[index]);
    if (fault != NULL)
        request_show(&requests[index], "as the first call", fault);
    return fault != NULL;
}

static void refused_as_first_call(void **state)
{
    static struct child_result result;
    size_t faults = 0;

    (void)state;
    for (size_t i = 0; i < REQUESTS; i++) {
        char number[24];

        snprintf(number, sizeof(number), "%zu", i);
        child_run_case("first", number, &result);
        if (!child_exited(&result, 0)) {
            request_show(&requests[i], "as the first call", "failed");
            child_show("  its process", &result);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

static size_t requests_run(const char *when)
{
    size_t faults = 0;

    for (size_t i = 0; i < REQUESTS; i++) {
        const char *fault = request_refused(&requests[i]);
        if (fault != NULL) {
            request_show(&requests[i], when, fault);
            faults++;
        }
    }
    return faults;
}

static void refused_later(void **state)
{
    (void)state;
    assert_int_equal(requests_run("later"), 0);
}

static void *thread_first_call(void *argument)
{
    return (void *)request_refused(argument);
}

static void refused_as_first_call_of_a_thread(void **state)
{
    size_t faults = 0;

    (void)state;
    for (size_t i = 0; i < REQUESTS; i++) {
        pthread_t thread;
        void *fault;

        assert_int_equal(pthread_create(&thread, NULL, thread_first_call, (void *)&requests[i]), 0);
        pthread_join(thread, &fault);
        if (fault != NULL) {
            request_show(&requests[i], "as a thread's first call", fault);
            faults++;
        }
    }
    assert_int_equal(faults, 0);
}

/* A refusal must not leave the heap in a bad way. */
static void heap_works_after_refusals(void **state)
{
    (void)state;
    for (size_t size = 1; size <= (size_t)4 << 20; size *= 2) {
        unsigned char *block = malloc(size);
        assert_non_null(block);
        memset(block, 1, size);
        assert_int_equal(requests_run("between calls"), 0);
        assert_int_equal(block[size - 1], 1);
        free(block);
    }
}

int main(int argc, char **argv)
{
    static const struct child_function cases[] = { { "first", first_call }, { NULL, NULL } };
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_as_first_call),
        cmocka_unit_test(refused_later),
        cmocka_unit_test(refused_as_first_call_of_a_thread),
        cmocka_unit_test(heap_works_after_refusals),
    };

    child_case(argc, argv, cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
