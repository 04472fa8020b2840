/* SPDX-License-Identifier: MIT */
/* malloc on small stacks: of threads with the least stack there may be, of signal handlers, and of
 * coroutines with 8 KiB. Below each stack lies a page without access, so an overflow is a crash. */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "support/calls.h"
#include "support/check.h"
#include "support/memory.h"
#include "support/suite.h"

/* Every path of the heap, with as little of its own on the stack as may be. */
static void heap_uses(void)
{
    for (size_t size = 1; size < 8 * MIB; size = size * 2 + size / 3 + 1) {
        char *blocks[4] = { malloc(size), calloc(1, size), aligned_alloc(256, size), NULL };
        REQUIRE(blocks[0] != NULL && blocks[1] != NULL && blocks[2] != NULL);
        blocks[0][size - 1] = 'x';
        blocks[3] = realloc(blocks[0], size * 3);
        REQUIRE(blocks[3] != NULL && blocks[3][size - 1] == 'x');
        for (int i = 1; i < 4; i++)
            free(blocks[i]);
    }
    malloc_trim(0);
}

static char *stack_make(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(memory != MAP_FAILED);
    REQUIRE(mprotect(memory, page, PROT_NONE) == 0);
    return memory + page;
}

static void stack_drop(char *stack, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    munmap(stack - page, size + page);
}

static void *thread_body(void *argument)
{
    heap_uses();
    return argument;
}

static void threads_with_the_least_stack(void **state)
{
    pthread_attr_t attributes;

    (void)state;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN), 0);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, &attributes, thread_body, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    pthread_attr_destroy(&attributes);
}

static volatile sig_atomic_t handled;

static void handler(int signal)
{
    (void)signal;
    heap_uses();
    handled = 1;
}

/* The signal comes from raise, not from within malloc, so its handler may allocate. */
static void handlers_on_a_stack_of_their_own(void **state)
{
    size_t size = (size_t)SIGSTKSZ;
    stack_t stack = { .ss_sp = stack_make(size), .ss_size = size };
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
    stack_t none = { .ss_flags = SS_DISABLE };

    (void)state;
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaltstack(&stack, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 20; i++) {
        handled = 0;
        raise(SIGUSR1);
        assert_int_equal(handled, 1);
    }
    signal(SIGUSR1, SIG_DFL);
    assert_int_equal(sigaltstack(&none, NULL), 0);
    stack_drop(stack.ss_sp, size);
}

#ifdef __GLIBC__ /* other C libraries have no contexts */
static ucontext_t caller;

static void coroutine_body(void)
{
    heap_uses();
    handled = 1;
}

static void coroutine_run(char *stack, size_t size)
{
    ucontext_t context;

    assert_int_equal(getcontext(&context), 0);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    context.uc_link = &caller;
    handled = 0;
    makecontext(&context, coroutine_body, 0);
    assert_int_equal(swapcontext(&caller, &context), 0);
    assert_int_equal(handled, 1);
}

static void coroutines(void **state)
{
    enum { STACK = 8192 };

    (void)state;
    for (int i = 0; i < 20; i++) {
        char *stack = stack_make(STACK);
        coroutine_run(stack, STACK);
        stack_drop(stack, STACK);
    }
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_with_the_least_stack),
        cmocka_unit_test(handlers_on_a_stack_of_their_own),
#ifdef __GLIBC__
        cmocka_unit_test(coroutines),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
