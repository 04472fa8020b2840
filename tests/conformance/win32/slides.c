/* SPDX-License-Identifier: MIT */
/* slides.c: runs the lecture's two programs (textbook/creator.c and opener.c) as two processes. */
#include "win32_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
    pid_t process;
    int input, output;
};

static struct program start(const char *path)
{
    struct program p;
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    p.process = fork();
    if (p.process == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p.input = in[1];
    p.output = out[0];
    return p;
}

/* The program's first line. */
static void read_line(const struct program *p, char *line, size_t room)
{
    size_t n = 0;
    while (n + 1 < room) {
        ssize_t got = read(p->output, line + n, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || line[n] == '\n')
            break;
        n++;
    }
    line[n] = '\0';
}

static int finish(const struct program *p)
{
    int status = -1;
    close(p->input);
    waitpid(p->process, &status, 0);
    close(p->output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_opener(int code, const char *expected)
{
    char line[256];
    struct program opener = start(OPENER);
    read_line(&opener, line, sizeof(line));
    assert_string_equal(line, expected);
    assert_int_equal(finish(&opener), code);
}

static struct program start_creator(void)
{
    char line[256];
    struct program creator = start(CREATOR);
    read_line(&creator, line, sizeof(line));
    assert_string_equal(line, "ready");
    return creator;
}

static void opener_reads_the_creators_message(void **state)
{
    (void)state;
    struct program creator = start_creator();
    expect_opener(0, "Message from first process.");
    expect_opener(0, "Message from first process.");
    assert_int_equal(finish(&creator), 0);
}

static void opener_before_and_after_the_creator_finds_nothing(void **state)
{
    (void)state;
    expect_opener(1, "Could not open file mapping object (2).");
    struct program creator = start_creator();
    expect_opener(0, "Message from first process.");
    assert_int_equal(finish(&creator), 0);
    expect_opener(1, "Could not open file mapping object (2).");
}

static void opener_after_the_creator_was_killed_finds_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct program creator = start_creator();
        expect_opener(0, "Message from first process.");
        kill(creator.process, SIGKILL);
        assert_int_equal(finish(&creator), 128 + SIGKILL);
        expect_opener(1, "Could not open file mapping object (2).");
    }
}

static void two_creators_share(void **state)
{
    (void)state;
    struct program a = start_creator(), b = start_creator();
    kill(a.process, SIGKILL);
    finish(&a);
    expect_opener(0, "Message from first process.");
    assert_int_equal(finish(&b), 0);
    expect_opener(1, "Could not open file mapping object (2).");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opener_reads_the_creators_message),
        cmocka_unit_test(opener_before_and_after_the_creator_finds_nothing),
        cmocka_unit_test(opener_after_the_creator_was_killed_finds_nothing),
        cmocka_unit_test(two_creators_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
