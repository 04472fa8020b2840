/* SPDX-License-Identifier: MIT */
/* Memory that ended threads left serves any thread: four threads allocate 290 MiB of small blocks in
 * all, free 15 of 16, each page keeping one, and end. The first thread then allocates 200 MiB more. What
 * is resident must not come to much more than the 290 MiB, and no block may have changed. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "resident.h"

enum { THREADS = 4, SIZE = 200, KEEP = 16 };

#define LEFT  (290 * MIB)
#define MORE  (200 * MIB)
#define BOUND (325 * MIB) /* measured: 315 */

static unsigned char **survivors[THREADS];
static const size_t blocks = LEFT / THREADS / SIZE;

static void *leave_some(void *argument)
{
    unsigned char ***kept = argument, **all = malloc(blocks * sizeof *all);
    REQUIRE(all != NULL);
    for (size_t i = 0; i < blocks; i++) {
        all[i] = malloc(SIZE);
        REQUIRE(all[i] != NULL);
        memset(all[i], (int)(i / KEEP), SIZE);
    }
    *kept = malloc((blocks / KEEP + 1) * sizeof **kept);
    REQUIRE(*kept != NULL);
    for (size_t i = 0; i < blocks; i++)
        if (i % KEEP == 0)
            (*kept)[i / KEEP] = all[i];
        else
            free(all[i]);
    free(all);
    return NULL;
}

static void look_at_survivors(void)
{
    for (int thread = 0; thread < THREADS; thread++)
        for (size_t i = 0; i < blocks / KEEP; i++) {
            REQUIRE(survivors[thread][i][0] == (unsigned char)i);
            REQUIRE(survivors[thread][i][SIZE - 1] == (unsigned char)i);
            free(survivors[thread][i]);
        }
}

static void memory_of_ended_threads_is_used(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, leave_some, &survivors[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(threads[i], NULL) == 0);
    size_t more = MORE / SIZE;
    void **all = malloc(more * sizeof *all);
    REQUIRE(all != NULL);
    for (size_t i = 0; i < more; i++) {
        all[i] = malloc(SIZE);
        REQUIRE(all[i] != NULL);
        memset(all[i], 0xAA, SIZE);
    }
    must_be(memory_resident(), BOUND, "after 200 MiB more");
    look_at_survivors();
    for (size_t i = 0; i < more; i++)
        free(all[i]);
    free(all);
}

int main(void)
{
    memory_of_ended_threads_is_used();
    return 0;
}
