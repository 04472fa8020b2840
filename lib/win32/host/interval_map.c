/* SPDX-License-Identifier: MIT */
/* interval_map.c: steps as nodes of a tree. Setting a range makes two nodes at most; these two are
 * held ready beforehand, so that a call can check for memory before it changes anything. */
#include "win32/host/interval_map.h"

#include "os/compiler.h"
#include "win32/host/meta.h"

#include <stddef.h>

struct step {
    struct tree_node node; /* key: first address with this value */
    uint32_t value;
};

#define SPARES 2
static struct step *spares[SPARES];
static unsigned spare_count;

static struct step *as_step(struct tree_node *node)
{
    return (struct step *)node;
}

uint32_t interval_map_get(const struct interval_map *map, uintptr_t at)
{
    struct tree_node *node = tree_floor(map->root, at);
    return node != NULL ? as_step(node)->value : 0;
}

uintptr_t interval_map_next(const struct interval_map *map, uintptr_t at, uintptr_t limit)
{
    struct tree_node *node = tree_above(map->root, at);
    return node != NULL && node->key < limit ? node->key : limit;
}

uintptr_t interval_map_start(const struct interval_map *map, uintptr_t at)
{
    struct tree_node *node = tree_floor(map->root, at);
    return node != NULL ? node->key : 0;
}

bool interval_map_ready(void)
{
    while (spare_count < SPARES) {
        struct step *step = meta_alloc(sizeof(*step));
        if (step == NULL)
            return false;
        spares[spare_count++] = step;
    }
    return true;
}

static void drop(struct interval_map *map, struct tree_node *node)
{
    tree_remove(&map->root, node);
    meta_free(node, sizeof(struct step));
}

/* Makes value begin at key, where no step begins, unless it holds there already. */
static void begin(struct interval_map *map, uintptr_t key, uint32_t value)
{
    if (interval_map_get(map, key) == value)
        return;
    ASSERT(spare_count > 0);
    struct step *step = spares[--spare_count];
    step->node.key = key;
    step->value = value;
    tree_insert(&map->root, &step->node);
}

void interval_map_set(struct interval_map *map, uintptr_t start, uintptr_t end, uint32_t value)
{
    ASSERT(start < end);
    uint32_t after = interval_map_get(map, end);
    struct tree_node *node;
    while ((node = tree_floor(map->root, end)) != NULL && node->key >= start)
        drop(map, node);
    begin(map, start, value);
    begin(map, end, after);
}

void interval_map_clear(struct interval_map *map)
{
    while (map->root != NULL)
        drop(map, map->root);
}
