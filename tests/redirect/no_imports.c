/* SPDX-License-Identifier: MIT */
/* no_imports.c: a program that imports nothing. */
int start(void);

int start(void)
{
    return 7;
}
