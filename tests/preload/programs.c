/* SPDX-License-Identifier: MIT */
/* The programs, and a command that tests the one its argument names. */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A program of fixtures/ that leaves no files. */
#define OURS(is, least)                                                                            \
    {                                                                                              \
        .name = is, .kind = FIXTURE, .served = is, .allocations = least, .limit = 400              \
    }

/* The numbers of allocations are about half of what was counted when the test was written: enough
 * to tell that the library served the program's work and not only its start. */
static const struct program programs[] = {
    {
        .name = "python",
        .needs = { "python3" },
        .produced = { "outcomes.xml" },
        .varying = { " time=\"", " start=\"" },
        .served = "python3",
        .allocations = 60000000,
        .limit = 1200,
    },
    {
        .name = "gxx",
        .needs = { "g++" },
        .produced = { "templates.o" },
        .served = "cc1plus",
        .allocations = 5000000,
        .limit = 800,
    },
    {
        .name = "git",
        .needs = { "git" },
        .produced = { "this.pack", "made.pack" },
        .served = "git",
        .allocations = 400000,
        .limit = 800,
    },
    {
        .name = "sqlite",
        .needs = { "sqlite3" },
        .produced = { "million.db" },
        .served = "sqlite3",
        .allocations = 4000000,
        .limit = 800,
    },
    {
        .name = "redis",
        .needs = { "redis-server", "redis-cli", "redis-benchmark" },
        .served = "redis-server",
        .allocations = 200000,
        .limit = 800,
    },
    {
        .name = "perl",
        .needs = { "perl" },
        .served = "perl",
        .allocations = 1000000,
        .limit = 400,
    },
    {
        .name = "lua",
        .needs = { "lua5.4" },
        .served = "lua5.4",
        .allocations = 1000000,
        .limit = 400,
    },
    {
        .name = "node",
        .needs = { "node" },
        .served = "node",
        .allocations = 250000,
        .limit = 400,
    },
    {
        .name = "java",
        .needs = { "javac", "java" },
        .served = "java",
        .allocations = 50000,
        .limit = 800,
    },
    {
        .name = "chromium",
        .needs = { "chromium" },
        .produced = { "page.png" },
        .served = "chromium", /* it was loaded, but see chromium.sh */
        .limit = 400,
    },
    {
        .name = "postgres",
        .needs = { "pg_ctlcluster" },
        .user = "postgres",
        .served = "postgres",
        .allocations = 20000,
        .limit = 800,
    },
    {
        .name = "php", /* loads its modules with RTLD_DEEPBIND */
        .needs = { "php" },
        .served = "php",
        .allocations = 5000,
        .limit = 400,
    },
    {
        .name = "php_fpm",
        .needs = { "php-fpm8.2", "cgi-fcgi" },
        .served = "php-fpm8.2",
        .allocations = 5000,
        .limit = 400,
    },
    {
        .name = "limits",
        .needs = { "python3", "perl", "sqlite3" },
        .served = "python3",
        .allocations = 1000000,
        .limit = 400,
    },
    {
        .name = "own_limit",
        .needs = { "python3" },
        .served = "python3",
        .allocations = 50000,
        .limit = 400,
    },
    {
        .name = "vsftpd",
        .needs = { "vsftpd", "python3" },
        .served = "python3", /* the client */
        .allocations = 5000,
        .limit = 200,
    },
    {
        .name = "gcore",
        .needs = { "gcore", "gcc", "python3" },
        .served = "cc1",
        .allocations = 1000,
        .limit = 400,
    },
    {
        .name = "qemu_guest",
        .needs = { "qemu-x86_64", "perl" },
        .served = "perl",
        .allocations = 5000,
        .limit = 200,
    },
    {
        .name = "closefds",
        .kind = FIXTURE,
        .produced = { "result" },
        .served = "closefds",
        .allocations = 100000,
        .limit = 400,
    },
    OURS("early", 10000),
    OURS("ending", 50000),
    OURS("forking", 1000),
    OURS("loader", 300000),
    OURS("ownmalloc", 0),
    OURS("refused", 5000000),
    OURS("spawn", 100000),
    OURS("stacks", 150000),
    OURS("title", 10000),
};

static void test_program(void **state)
{
    program_check(*state);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(programs[i].name, argv[1]) != 0)
            continue;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_program, (void *)(uintptr_t)&programs[i]),
        };
        return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
    }
    fprintf(stderr, "usage: %s NAME\nNAME is one of:", argv[0]);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        fprintf(stderr, " %s", programs[i].name);
    fprintf(stderr, "\n");
    return 2;
}
