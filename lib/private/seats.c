/* SPDX-License-Identifier: MIT */
#include "private/seats.h"

#include "region/region.h"

#include <string.h>

static struct os_lock lock;
static struct seats *unused; /* all empty */

static struct seats *take(void)
{
    struct seats *seats = unused;
    if (seats == NULL)
        return region_meta(sizeof *seats);
    unused = seats->next;
    return seats;
}

struct seat *seats_make(struct seats **seats, uint32_t slot)
{
    if (os_lock_is_mine(&lock))
        return NULL;
    os_lock(&lock);
    if (*seats == NULL)
        *seats = take();
    struct seat **leaf = *seats != NULL ? &(*seats)->leaves[slot / SEATS_LEAF] : NULL;
    if (leaf != NULL && *leaf == NULL)
        *leaf = region_meta(SEATS_LEAF * sizeof(struct seat));
    os_unlock(&lock);
    return seat_of(*seats, slot);
}

void seats_each(const struct seats *seats, void (*call)(const struct seat *seat))
{
    for (unsigned i = 0; seats != NULL && i < SEATS_LEAVES; i++)
        for (unsigned j = 0; seats->leaves[i] != NULL && j < SEATS_LEAF; j++)
            if (seats->leaves[i][j].serial != 0)
                call(&seats->leaves[i][j]);
}

void seats_give(struct seats **seats)
{
    if (*seats == NULL || os_lock_is_mine(&lock))
        return;
    for (unsigned i = 0; i < SEATS_LEAVES; i++)
        if ((*seats)->leaves[i] != NULL)
            memset((*seats)->leaves[i], 0, SEATS_LEAF * sizeof(struct seat));
    os_lock(&lock);
    (*seats)->next = unused;
    unused = *seats;
    os_unlock(&lock);
    *seats = NULL;
}

void seats_after_fork(void)
{
    if (!os_lock_is_held(&lock) || os_lock_is_mine(&lock))
        return;
    os_lock_reset(&lock);
    unused = NULL; /* another thread was changing the list */
}
