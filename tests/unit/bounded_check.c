/* SPDX-License-Identifier: MIT */
#include "bounded_check.h"

#if defined(_WIN32)
#include <windows.h>
#endif

#include "test.h"

#include <inttypes.h>

/* Only blocks and the uncommitted end, each where the one before it ends. */
void check_bounded(const struct bounded *heap)
{
    assert_true(bounded_validate(heap));
    struct bounded_figures figures = bounded_figures(heap);
    struct bounded_entry entry = { 0 };
    const char *end = NULL;
    size_t blocks = 0, bytes = 0;
    while (bounded_walk(heap, entry.address, &entry)) {
        assert_true(end == NULL || end == (char *)entry.address);
        assert_true(bounded_contains(heap, entry.address));
        assert_int_equal(bounded_is_block(heap, entry.address), entry.kind == BOUNDED_BUSY);
        end = (char *)entry.address + entry.size + entry.overhead;
        if (entry.kind == BOUNDED_BUSY) {
            blocks++;
            bytes += entry.size + entry.overhead;
        }
    }
    assert_int_equal(entry.kind, BOUNDED_END);
    assert_ptr_equal(end, (char *)heap + figures.reserved);
    assert_int_equal(blocks, figures.blocks);
    assert_int_equal(bytes, figures.block_bytes);
    assert_true(figures.committed <= figures.reserved);
}

#if defined(_WIN32)
const char *access_of(const void *address)
{
    MEMORY_BASIC_INFORMATION range;
    assert_true(VirtualQuery(address, &range, sizeof range) != 0 && range.State == MEM_COMMIT);
    return range.Protect == PAGE_EXECUTE_READWRITE ? "rwx"
           : range.Protect == PAGE_READWRITE       ? "rw-"
                                                   : "";
}
#else
const char *access_of(const void *address)
{
    static char found[4];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    uintptr_t first, last;
    char access[5], line[512];
    found[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &first, &last, access) == 3 &&
            (uintptr_t)address >= first && (uintptr_t)address < last)
            memcpy(found, access, 3);
    fclose(maps);
    return found;
}
#endif
