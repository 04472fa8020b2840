/* SPDX-License-Identifier: MIT */
/* check.c: one pass over the cells of each span, and one over the lists of free runs. */
#include "medium/check.h"

#include "medium/pages.h"

struct sums {
    size_t cells, free_cells, untouched, blocks, spans, pinned, dirty, clean;
};

/* Each rule is one line, so that the message can be the rule. */
#define REQUIRE(rule)                                                                              \
    do {                                                                                           \
        if (!(rule))                                                                               \
            return #rule;                                                                          \
    } while (0)

static bool is_free(enum cell_state state)
{
    return state == CELL_CLEAN || state == CELL_DIRTY;
}

/* What starts at the place, where what is before it is in that state. */
static const char *check_piece(struct place place, enum cell_state before, struct sums *sums)
{
    enum cell_state state = state_of(place);
    uint32_t length = cell_of(place)->length;
    REQUIRE(state > CELL_INSIDE && state <= CELL_PASSED);
    REQUIRE(length >= 1 && place.cell + length <= place.map->cells);
    for (uint32_t i = 1; i < length; i++)
        REQUIRE(state_of((struct place){ place.map, place.cell + i }) == CELL_INSIDE);
    REQUIRE(!is_free(state) || !is_free(before)); /* else the two would be joined */
    if (is_free(state))
        REQUIRE((state == CELL_DIRTY) == pages_are_dirty(place.map, place.cell, length));
    sums->dirty += state == CELL_DIRTY;
    sums->clean += state == CELL_CLEAN;
    sums->pinned += state == CELL_PINNED;
    sums->blocks += state >= CELL_LIVE;
    sums->free_cells += state < CELL_LIVE ? length : 0;
    return NULL;
}

static const char *check_pieces(const struct medium_map *map, struct sums *sums)
{
    enum cell_state state = CELL_INSIDE;
    uint32_t before = 0;
    for (struct place place = { (struct medium_map *)(uintptr_t)map, 0 }; place.cell < map->cells;
         place.cell += before) {
        const char *wrong = check_piece(place, state, sums);
        if (wrong != NULL)
            return wrong;
        REQUIRE(cell_of(place)->before == before);
        before = cell_of(place)->length;
        state = state_of(place);
    }
    return NULL;
}

/* No block lies on a page that holds no memory. */
static const char *check_pages(const struct medium_map *map)
{
    uint32_t untouched = 0;
    for (uint32_t page = 0; page < map->cells / PAGE_CELLS; page++) {
        if (map->touched[page / 64] >> page % 64 & 1)
            continue;
        untouched++;
        for (uint32_t i = 0; i < PAGE_CELLS; i++) {
            struct place place =
                map_holder((char *)map->start + ((size_t)(page * PAGE_CELLS + i) << CELL_SHIFT));
            REQUIRE(place.map == map && state_of(place) < CELL_LIVE);
        }
    }
    REQUIRE(untouched == map_untouched(map));
    REQUIRE(map->frontier <= map->cells / PAGE_CELLS);
    return NULL;
}

static const char *check_span(const struct medium *medium, const struct medium_map *map)
{
    uint32_t index = (uint32_t)granule_of((const void *)map->start);
    REQUIRE(map->start != 0 && map->start % GRANULE_SIZE == 0);
    REQUIRE(span_kind(span_at(index)) == SPAN_MEDIUM);
    REQUIRE(map->cells == span_at(index)->granules * GRANULE_CELLS && map->cells <= MAP_CELLS);
    for (uint32_t i = 0; i < span_at(index)->granules; i++) {
        REQUIRE(tag_of(index + i) == medium->tag);
        REQUIRE(map_number_of(index + i) == map->number);
    }
    return NULL;
}

static const char *check_map(const struct medium *medium, const struct medium_map *map,
                             struct sums *sums)
{
    const char *wrong = check_span(medium, map);
    if (wrong == NULL)
        wrong = check_pieces(map, sums);
    if (wrong == NULL)
        wrong = check_pages(map);
    sums->cells += map->cells;
    sums->untouched += map_untouched(map);
    sums->spans++;
    return wrong;
}

static const char *check_list(const struct free_runs *runs, unsigned list, enum cell_state state,
                              size_t *count)
{
    uint32_t before = 0, word = runs->first[list];
    REQUIRE((word != 0) == (runs->in_use[list / 64] >> list % 64 & 1));
    for (; word != 0; before = word, word = cell_of(place_at(word))->next) {
        struct place run = place_at(word);
        REQUIRE(run.map != NULL && run.cell < run.map->cells);
        REQUIRE(state_of(run) == state);
        REQUIRE(run_list_of(cell_of(run)->length) == list);
        REQUIRE(cell_of(run)->prev == before);
        ++*count;
    }
    return NULL;
}

static const char *check_index(const struct free_runs *runs, enum cell_state state, size_t expected)
{
    size_t count = 0;
    for (unsigned list = 0; list < RUN_LISTS; list++) {
        const char *wrong = check_list(runs, list, state, &count);
        if (wrong != NULL)
            return wrong;
    }
    REQUIRE(count == expected);
    return NULL;
}

const char *medium_check(const struct medium *medium)
{
    struct sums sums = { 0 };
    const char *wrong = NULL;
    uint32_t before = 0;
    for (uint32_t number = medium->maps; number != 0 && wrong == NULL;) {
        const struct medium_map *map = map_by_number(number);
        REQUIRE(map != NULL && map->number == number && map->prev == before);
        wrong = check_map(medium, map, &sums);
        before = number;
        number = map->next;
    }
    if (wrong == NULL)
        wrong = check_index(&medium->dirty, CELL_DIRTY, sums.dirty);
    if (wrong == NULL)
        wrong = check_index(&medium->clean, CELL_CLEAN, sums.clean);
    if (wrong != NULL)
        return wrong;
    REQUIRE(sums.cells == medium->cells && sums.spans == medium->spans);
    REQUIRE(sums.free_cells == medium->free_cells);
    REQUIRE(sums.untouched == medium->untouched);
    REQUIRE(sums.blocks == medium->blocks);
    REQUIRE(sums.pinned == medium->pinned);
    return NULL;
}
