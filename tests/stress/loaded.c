/* SPDX-License-Identifier: MIT */
/* The library is loaded into a process that has a malloc already, with dlopen, and closed again:
 * over and over, while threads hold its blocks. The two mallocs go on side by side, and the library
 * stays where it is, for its blocks do. Argument: path of libbarrow.so. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/opaque.h"

#define REQUIRE(condition) ((condition) ? (void)0 : failed(#condition))

enum { ROUNDS = 200, BLOCKS = 50 };

static void failed(const char *what)
{
    const char *error = dlerror();
    fprintf(stderr, "%s %s\n", what, error != NULL ? error : "");
    abort();
}

static const char *path;

struct face {
    void *(*alloc)(size_t);
    void (*release)(void *);
};

static void *load(struct face *face)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library != NULL);
    *(void **)&face->alloc = dlsym(library, "barrow_malloc");
    *(void **)&face->release = dlsym(library, "barrow_free");
    REQUIRE(face->alloc != NULL && face->release != NULL);
    return library;
}

static void *use(void *unused)
{
    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        char *ours[BLOCKS], *theirs[BLOCKS];
        struct face face;
        void *library = load(&face);
        for (size_t i = 0; i < BLOCKS; i++) {
            ours[i] = face.alloc(i * i + 1);
            theirs[i] = opaque(malloc(i * i + 1));
            REQUIRE(ours[i] != NULL && theirs[i] != NULL);
            memset(ours[i], 1, i * i + 1);
            memset(theirs[i], 2, i * i + 1);
        }
        dlclose(library);
        for (size_t i = 0; i < BLOCKS; i++) {
            REQUIRE(ours[i][i * i] == 1 && theirs[i][i * i] == 2);
            face.release(ours[i]); /* it is there although it has been closed */
            free(theirs[i]);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    REQUIRE(argc == 2);
    path = argv[1];
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, use, NULL) == 0);
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    use(NULL);
    REQUIRE(dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL);
    return 0;
}
