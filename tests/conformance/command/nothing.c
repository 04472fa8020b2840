/* SPDX-License-Identifier: MIT */
/* nothing.c: a library that is preloaded and does nothing. */
extern const int command_nothing;
const int command_nothing = 0;
