/* SPDX-License-Identifier: MIT */
/* fork where address space is limited, while another thread's purge unmaps free memory: the child
 * must not use what is gone. The program starts itself again under a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "face.h"

enum { MIB = 1 << 20, FORKS = 80, BLOCKS = 8 };

static _Atomic int at_end;

static void use(size_t size, int count)
{
    char *blocks[2 * BLOCKS];
    for (int i = 0; i < count; i++)
        if ((blocks[i] = malloc(size)) != NULL)
            memset(blocks[i], 1, size);
    for (int i = 0; i < count; i++)
        free(blocks[i]);
}

static void *purge_for_ever(void *argument)
{
    while (!at_end) {
        use(3 * MIB, BLOCKS);
        malloc_trim(0);
    }
    return argument;
}

static void children_use_what_they_have(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, purge_for_ever, NULL), 0);
    int bad = 0;
    for (int i = 0; i < FORKS; i++) {
        usleep((useconds_t)(i * 37 % 2000));
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            use(2 * MIB, 2 * BLOCKS);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        bad += status != 0;
    }
    at_end = 1;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bad, 0);
}

static void start_again_under_limit(char **arguments)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        _exit(2);
    limit.rlim_cur = (rlim_t)2000 * MIB;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(2);
    char mark[] = "limited";
    execv("/proc/self/exe", (char *[]){ arguments[0], mark, NULL });
    _exit(2);
}

int main(int count, char **arguments)
{
    if (BARROW_OVERRIDE_MALLOC && count == 1) /* a sanitizer would not start under a limit */
        start_again_under_limit(arguments);
    const struct CMUnitTest tests[] = { cmocka_unit_test(children_use_what_they_have) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
