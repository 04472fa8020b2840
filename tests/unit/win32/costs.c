/* SPDX-License-Identifier: MIT */
/* costs.c: calls on a section's views whose cost must not grow with the number of its other views.
 * Counted in instructions. */
#include <windows.h>

#include "steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { VIEWS_MOST = 20000, CALLS = 16 };

#define GRANULE ((SIZE_T)0x10000)

static HANDLE section;
static char *views[VIEWS_MOST + 1], *own;

/* Each view has a part of the section to itself. */
static void map_views(void *argument)
{
    size_t count = *(size_t *)argument;
    uint64_t size = (VIEWS_MOST + 2) * GRANULE;
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE,
                                 (DWORD)(size >> 32), (DWORD)size, NULL);
    for (size_t i = 0; i <= count; i++) {
        uint64_t offset = (count - i) * GRANULE;
        views[i] =
            MapViewOfFile(section, FILE_MAP_WRITE, (DWORD)(offset >> 32), (DWORD)offset, GRANULE);
    }
    own = views[count];
}

static void commit_pages(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CALLS; i++)
        VirtualAlloc(own + i * (GRANULE / CALLS), 1, MEM_COMMIT, PAGE_READWRITE);
}

static void unmap_oldest(void *argument)
{
    (void)argument;
    for (size_t i = 0; i < CALLS; i++)
        UnmapViewOfFile(views[i]);
}

static void check_flat(const char *what, void (*use)(void *))
{
    size_t few = CALLS, many = VIEWS_MOST;
    size_t least = count_steps(map_views, use, &few), most = count_steps(map_views, use, &many);
    print_message("%s: %zu instructions of %zu views, %zu of %zu\n", what, least / CALLS, few,
                  most / CALLS, many);
    assert_true(most < 2 * least);
}

static void committing_does_not_look_at_views_of_other_pages(void **state)
{
    (void)state;
    check_flat("MEM_COMMIT", commit_pages);
}

static void unmapping_does_not_look_for_the_view(void **state)
{
    (void)state;
    check_flat("UnmapViewOfFile, oldest first", unmap_oldest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committing_does_not_look_at_views_of_other_pages),
        cmocka_unit_test(unmapping_does_not_look_for_the_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
