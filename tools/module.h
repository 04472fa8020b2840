/* SPDX-License-Identifier: MIT */
/* module.h: parts of the command that need other libraries, and are loaded when they are asked for. */
#ifndef BARROW_TOOLS_MODULE_H
#define BARROW_TOOLS_MODULE_H

/* The symbol of that module, beside the command or where it was installed; NULL if the module is not
 * there, or what it needs is not. */
void *module_symbol(const char *module, const char *symbol);

#endif
