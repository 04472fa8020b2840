/* SPDX-License-Identifier: MIT */
/* map.c: barrow map's files, each read by what is made for it, and barrow top's screen of 80 by 24. */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct outcome outcome;
static struct running holder;
static char pid[16];

static int start(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    START(&holder, NULL, BARROW_HOLDER);
    await_text(holder.output, "ready\n");
    snprintf(pid, sizeof pid, "%d", (int)holder.pid);
    return 0;
}

static int stop(void **state)
{
    kill(holder.pid, SIGKILL);
    waitpid(holder.pid, NULL, 0);
    close(holder.output);
    return folder_remove(state);
}

/* The output of a shell's script, in which $D is the folder and $P the process. */
static void shell(const char *script)
{
    setenv("P", pid, 1);
    setenv("D", in_folder("."), 1);
    setenv("COMMAND", BARROW_COMMAND, 1);
    RUN(&outcome, NULL, "/bin/bash", "-c", script);
}

#define PYTHON_READ                                                                                \
    "import os, sys\n"                                                                             \
    "lines = [l.split() for l in open(os.environ['D'] + '/a.map')]\n"                              \
    "spans = [l for l in lines if l[0] == 'span']\n"

/* 1000 blocks of a class are in use, as the stretches have it; no page is counted that is not there. */
static void snapshots_agree_with_the_program(void **state)
{
    (void)state;
    shell("$COMMAND map -o $D/a.map $P && /usr/bin/python3 -c \"" PYTHON_READ
          "number = [l[1] for l in lines if l[0] == 'class' and l[2] == '1024'][0]\n"
          "ones = lambda text: sum(map(int, text.split(',')[::2]))\n"
          "print(lines[0], sum(ones(s[8]) for s in spans if s[3] == 's' and s[4] == number))\n"
          "print([l[5] for l in lines if l[0] == 'heap'])\n"
          "print(all(sum(map(int, s[7].split(','))) * 4096 == int(s[2], 16) for s in spans "
          "if s[3] in 'sL' and os.sysconf('SC_PAGESIZE') == 4096))\n"
          "print([int(s[2], 16) >> 16 for s in spans if s[3] == 'L'])\"");
    assert_string_equal(outcome.err, "");
    assert_string_equal(outcome.out,
                        "['barrow-map', '1'] 1000\n['process%20heap', 'pictures']\nTrue\n[46]\n");
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    shell("$COMMAND map -o $D/a.png $P && $COMMAND map -o $D/a.svg $P && "
          "/usr/bin/python3 -c \"import os, xml.dom.minidom as x, matplotlib.image as i\n"
          "p = i.imread(os.environ['D'] + '/a.png'); print(p.shape[1], len(set(map(tuple, "
          "p.reshape(-1, "
          "p.shape[2])))) > 5)\n"
          "print(x.parse(os.environ['D'] + '/a.svg').documentElement.getAttribute('width'))\"");
    assert_string_equal(outcome.err, "");
    assert_string_equal(outcome.out, "1200 True\n1200pt\n");
}

/* In a browser: the page makes itself of the snapshots, here two of them. */
static void the_page_works(void **state)
{
    (void)state;
    shell(
        "$COMMAND map --every=50ms --for=50ms -o $D/a.html $P && "
        "chromium --headless --no-sandbox --disable-gpu --dump-dom file://$D/a.html 2>/dev/null | "
        "sed '/id=\"data\"/,$d' >$D/dom && "
        "grep -o '<h1[^>]*>[^<]*' $D/dom; grep -o 'moment 2 of 2' $D/dom; "
        "grep -o 'heap pictures: 64.0 KiB' $D/dom; grep -o '<td>1.0 "
        "KiB</td><td>[0-9]*</td><td>1,000</td>' "
        "$D/dom; grep -c '<script src\\|<link\\|https\\?://' $D/dom");
    char title[64];
    snprintf(title, sizeof title, "<h1 id=\"title\">Heap of holder, process %s\n", pid);
    assert_contains(outcome.out, title);
    assert_contains(outcome.out, "moment 2 of 2\n");
    assert_contains(outcome.out, "heap pictures: 64.0 KiB\n");
    assert_contains(outcome.out, "<td>1,000</td>\n");
    assert_contains(outcome.out, "\n0\n"); /* it needs nothing from elsewhere */
}

static void snapshots_are_joined_and_checked(void **state)
{
    (void)state;
    shell("$COMMAND map -o $D/a.map $P && $COMMAND map -o $D/b.map $P && "
          "$COMMAND map $D/a.map $D/b.map -o $D/c.map && grep -c ^snapshot $D/c.map; "
          "(cat $D/a.map; echo '</script><script>') >$D/bad.map; $COMMAND map $D/bad.map -o "
          "$D/d.html; echo $?");
    assert_string_equal(outcome.out, "2\n1\n");
    assert_contains(outcome.err, "/bad.map: not snapshots of barrow map\n");
}

static void wrong_calls_are_told(void **state)
{
    (void)state;
    RUN(&outcome, NULL, BARROW_COMMAND, "map", "-o", "a.txt", pid);
    assert_exit(outcome.status, 125);
    assert_contains(outcome.err, "the name ends in .html, .svg, .png or .map");
    RUN(&outcome, NULL, BARROW_COMMAND, "map", "--every=5x", pid);
    assert_exit(outcome.status, 125);
    RUN(&outcome, NULL, BARROW_COMMAND, "map");
    assert_exit(outcome.status, 125);
    RUN(&outcome, NULL, BARROW_COMMAND, "map", "/no/such/file");
    assert_exit(outcome.status, 1);
    RUN(&outcome, NULL, BARROW_COMMAND, "top", "1", "2");
    assert_exit(outcome.status, 125);
}

static void top_is_written_once_for_scripts(void **state)
{
    (void)state;
    shell("$COMMAND top --once | awk -v p=$P 'NR == 1 { print $1, $2, $9 } $1 == p { print $2, $NF "
          "}'");
    assert_string_equal(outcome.out, "PID LIVE NAME\n3.9M holder\n");
    shell(
        "$COMMAND top --once $P | head -n 1; $COMMAND top </dev/null | cat; echo ${PIPESTATUS[0]}");
    assert_contains(outcome.out, ": the heap of holder, process ");
    assert_contains(outcome.out, "\n125\n");
    assert_contains(outcome.err, "top: not a terminal; --once writes the figures once\n");
}

#define SEE(text)                                                                                  \
    "for i in {1..100}; do tmux -L $S capture-pane -p >$D/screen; grep -q '" text                  \
    "' $D/screen && break; sleep .1; done; "

/* The list, then the process opened, then help, in a terminal of the smallest size. */
static void top_fits_a_small_terminal(void **state)
{
    (void)state;
    shell(
        "export S=barrow-test-$$; tmux -L $S -u new-session -d -x 80 -y 24 \"$COMMAND top $P; echo "
        "ended; sleep 9\"; " SEE(
            "pictures") "cat $D/screen; echo ====; tmux -L $S send-keys "
                        "Escape; " SEE("F6Sort") "cat $D/screen; echo ====; "
                                                 "tmux -L $S send-keys "
                                                 "'?'; " SEE(
                                                     "Any key") "cat "
                                                                "$D/screen; "
                                                                "echo ====; "
                                                                "tmux -L $S "
                                                                "send-keys q; "
                                                                "tmux -L $S "
                                                                "send-keys "
                                                                "q; " SEE(
                                                                    "end"
                                                                    "ed") "tmux -L $S kill-server; "
                                                                          "wc -L <$D/screen");
    assert_contains(outcome.out, "holder, process ");
    assert_contains(outcome.out, "last minute");
    assert_contains(outcome.out, "  pictures                           64.0K");
    assert_contains(
        outcome.out,
        "      1024       4      1000        24     1.0M    24.0K [||||||||||||]  98%\n");
    assert_contains(outcome.out, "F1Help EscBack PgDnScroll qQuit");
    assert_contains(outcome.out, "====\nbarrow top  ");
    assert_contains(outcome.out,
                    "    PID    LIVE  CACHED  COMMIT     RES    PEAK CHANGE/s  ALLOC/s  NAME\n");
    assert_contains(outcome.out, "q, F10                 quit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshots_agree_with_the_program),
        cmocka_unit_test(pictures_are_drawn),
        cmocka_unit_test(the_page_works),
        cmocka_unit_test(snapshots_are_joined_and_checked),
        cmocka_unit_test(wrong_calls_are_told),
        cmocka_unit_test(top_is_written_once_for_scripts),
        cmocka_unit_test(top_fits_a_small_terminal),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
