/* SPDX-License-Identifier: MIT */
/* options.c: one option of the command line: -x VALUE, --name VALUE or --name=VALUE. */
#include "command.h"

/* The rest of the word behind the name, or NULL if it is another. */
static const wchar_t *behind(const wchar_t *word, const wchar_t *name)
{
    size_t length = wcslen(name);
    return wcsncmp(word, name, length) == 0 ? word + length : NULL;
}

bool option_is(wchar_t **argv, int *at, const wchar_t *name, wchar_t letter, const wchar_t **value)
{
    const wchar_t *word = argv[*at], *rest = NULL;
    if (word[0] != L'-')
        return false;
    if (word[1] == L'-')
        rest = behind(word + 2, name);
    else if (letter && word[1] == letter)
        rest = word + 2;
    if (!rest)
        return false;
    if (!value)
        return *rest == L'\0';
    if (*rest == L'\0')
        *value = argv[*at + 1] ? argv[++*at] : NULL;
    else if (word[1] != L'-')
        *value = rest;
    else if (*rest == L'=')
        *value = rest + 1;
    else
        return false; /* a longer name */
    return true;
}
