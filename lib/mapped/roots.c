/* SPDX-License-Identifier: MIT */
/* roots.c: blocks with names, from which a program finds its data. A table in the file's head; a
 * change of it is one change of the journal, and so atomic. */
#include "mapped/mapped.h"

#include <string.h>

#include "barrow/winerror.h"

static bool is_name(const char *name)
{
    return name != NULL && name[0] != 0 && strnlen(name, MAPPED_ROOT_NAME) < MAPPED_ROOT_NAME;
}

static bool has_name(const struct mapped_root *root, const char *name)
{
    return strncmp(root->name, name, MAPPED_ROOT_NAME) == 0;
}

/* The root of that name, else a free one if `free`; NULL: neither. */
static struct mapped_root *find(const struct mapped *mapped, const char *name, bool free)
{
    ASSERT(is_name(name));
    struct mapped_root *roots = mapped_roots(mapped), *unused = NULL;
    for (unsigned i = 0; i < MAPPED_ROOT_COUNT; i++) {
        if (has_name(&roots[i], name))
            return &roots[i];
        if (roots[i].name[0] == 0 && unused == NULL)
            unused = &roots[i];
    }
    return free ? unused : NULL;
}

static void set(struct mapped *mapped, struct mapped_root *root, const struct mapped_root *value)
{
    ASSERT(mapped_is_locked(mapped));
    bounded_journal_begin(mapped->heap);
    bounded_note(mapped->heap, root, sizeof *root / sizeof(bounded_word));
    *root = *value;
    bounded_journal_end(mapped->heap);
}

static uint32_t set_under_lock(struct mapped *mapped, const char *name, const void *block)
{
    ASSERT(mapped_is_locked(mapped));
    struct mapped_root value = { 0 };
    struct mapped_root *root = find(mapped, name, block != NULL);
    if (block != NULL && !bounded_is_block(mapped->heap, block))
        return ERROR_INVALID_PARAMETER;
    if (root == NULL)
        return block == NULL ? ERROR_FILE_NOT_FOUND : ERROR_NOT_ENOUGH_MEMORY;
    if (block != NULL) {
        memcpy(value.name, name, strlen(name));
        value.unit = bounded_unit_of(mapped->heap, block);
    }
    set(mapped, root, &value);
    return 0;
}

uint32_t mapped_set_root(struct mapped *mapped, const char *name, const void *block)
{
    if (!is_name(name))
        return ERROR_INVALID_PARAMETER;
    if (!mapped_lock(mapped))
        return ERROR_ACCESS_DENIED;
    uint32_t error = set_under_lock(mapped, name, block);
    mapped_unlock(mapped);
    return error;
}

static void *block_of(const struct mapped *mapped, const struct mapped_root *root)
{
    struct bounded *heap = mapped->heap;
    uint64_t unit = root->unit;
    void *block = is_unit(heap, unit) ? block_address(heap, unit) : NULL;
    return block != NULL && bounded_block_size(heap, block) != SIZE_MAX ? block : NULL;
}

void *mapped_root(struct mapped *mapped, const char *name)
{
    if (!is_name(name))
        return NULL;
    bool locked = mapped_lock(mapped); /* a reader looks without */
    const struct mapped_root *root = find(mapped, name, false);
    void *block = root != NULL ? block_of(mapped, root) : NULL;
    if (locked)
        mapped_unlock(mapped);
    return block;
}

bool mapped_next_root(struct mapped *mapped, uint32_t *position, char *name, void **block)
{
    bool locked = mapped_lock(mapped), found = false;
    while (!found && *position < MAPPED_ROOT_COUNT) {
        const struct mapped_root *root = &mapped_roots(mapped)[(*position)++];
        memcpy(name, root->name, MAPPED_ROOT_NAME);
        name[MAPPED_ROOT_NAME - 1] = 0;
        *block = block_of(mapped, root);
        found = name[0] != 0 && *block != NULL;
    }
    if (locked)
        mapped_unlock(mapped);
    return found;
}

static uint64_t type_number(const struct mapped_state *state)
{
    /* acquire: pairs with the release in mapped_set_type */
    return __atomic_load_n(&state->type_number, __ATOMIC_ACQUIRE);
}

/* Readers have no lock. A type is overwritten when there has been another one since, so the number
 * tells whether what was read is one type's. */
struct mapped_type mapped_type(const struct mapped *mapped)
{
    const struct mapped_state *state = mapped->state;
    struct mapped_type type;
    uint64_t number;
    do {
        number = type_number(state);
        type = state->types[number % 2];
        atomic_thread_fence(memory_order_acquire);
    } while (type_number(state) != number);
    return type;
}

uint32_t mapped_set_type(struct mapped *mapped, const char *type, uint64_t version)
{
    char name[MAPPED_TYPE_NAME] = { 0 };
    struct mapped_state *state = mapped->state;
    if (type == NULL || strnlen(type, sizeof name) == sizeof name)
        return ERROR_INVALID_PARAMETER;
    if (!mapped_lock(mapped))
        return ERROR_ACCESS_DENIED;
    memcpy(name, type, strlen(type));
    struct mapped_type *next = &state->types[(state->type_number + 1) % 2];
    /* release: a reader that sees a part of what follows sees that the number has changed */
    atomic_thread_fence(memory_order_release);
    memcpy(next->name, name, sizeof name);
    next->version = version;
    __atomic_store_n(&state->type_number, state->type_number + 1, __ATOMIC_RELEASE);
    mapped_order();
    mapped_unlock(mapped);
    return 0;
}
