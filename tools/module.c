/* SPDX-License-Identifier: MIT */
#include "module.h"

#include "library.h"

#include <dlfcn.h>
#include <stdio.h>

void *module_symbol(const char *module, const char *symbol)
{
    char folder[PATH_MAX], path[PATH_MAX * 2];
    if (!own_folder(folder))
        return NULL;
    snprintf(path, sizeof path, "%s/%s", folder, module);
    void *loaded = dlopen(path, RTLD_NOW);
    snprintf(path, sizeof path, "%s/" BARROW_MODULE_FOLDER "/%s", folder, module);
    if (!loaded)
        loaded = dlopen(path, RTLD_NOW);
    return loaded ? dlsym(loaded, symbol) : NULL;
}
