/* SPDX-License-Identifier: MIT */
/* child.h: a test's part that runs in a child process: because it spoils the process, or because
 * fork is what is tested. */
#ifndef TESTS_UNIT_CHILD_H
#define TESTS_UNIT_CHILD_H

#include "test.h"

#include <stdbool.h>

/* Runs body(argument) in a forked child, where its assertions hold as anywhere. Fails, with what
 * the child wrote, if it fails, dies or takes longer than a minute. Returns what body returns, 0 to
 * 9. */
int run_in_child(int (*body)(void *), void *argument);

/* How children are made from now on: by fork(), or by the system call alone, as sandboxes and launchers
 * do, so that no handler of pthread_atfork runs. */
void make_children_by_system_call(bool raw);

#endif
