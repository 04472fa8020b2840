/* SPDX-License-Identifier: MIT */
/* No test may pass because it met some other heap: before main, each program makes sure that malloc
 * and barrow_version are functions of one library. BARROW_TEST_ANY_HEAP=1 allows others, to see
 * what they do in the same tests. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

__attribute__((constructor)) static void heap_is_ours(void)
{
#if BARROW_OVERRIDE_MALLOC
    Dl_info heap;
    Dl_info ours;
    void *version = dlsym(RTLD_DEFAULT, "barrow_version");
    void *allocate = dlsym(RTLD_DEFAULT, "malloc");

    if (getenv("BARROW_TEST_ANY_HEAP") != NULL)
        return;
    REQUIRE(version != NULL);
    REQUIRE(dladdr(version, &ours) != 0 && dladdr(allocate, &heap) != 0);
    REQUIRE(strcmp(ours.dli_fname, heap.dli_fname) == 0);
#endif
}
