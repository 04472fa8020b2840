/* SPDX-License-Identifier: MIT */
/* support.c: what is alike on Linux and on Windows. */
#include "win32_test.h"

void set_run(const char *value);

const char *object_name(const char *name)
{
    static char full[128];
    snprintf(full, sizeof(full), "barrow-%s-%s", getenv("BARROW_TEST_RUN"), name);
    return full;
}

int wait_until_nonzero(const volatile LONG *flag)
{
    for (int i = 0; i < 60000 && __atomic_load_n(flag, __ATOMIC_ACQUIRE) == 0; i++)
        Sleep(1);
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

void tests_set_up(int argc, char **argv, role_t role)
{
    char run[32];
    setvbuf(stdout, NULL, _IONBF, 0);
    faults_set_up();
    if (argc > 1 && role != NULL)
        exit(role(argv[1]));
    snprintf(run, sizeof(run), "%lu", (unsigned long)GetCurrentProcessId());
    set_run(run);
}
