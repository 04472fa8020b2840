/* SPDX-License-Identifier: MIT */
/* Which of the two ways it is to be, how much to ask for, and the words of state that others need
 * before the first span. Once it is made it stays as it is. */
#include "region/reservation.h"

#include "diag/message.h"
#include "region/account.h"
#include "region/frontier.h"
#include "region/runs.h"
#include "region/window.h"

#define RESERVE_LEAST (64 * MIB)

struct region_state region;
struct region_settings region_settings;

static bool reserve(void)
{
    size_t wanted = region_settings.reserve ? region_settings.reserve : os_reserve_wanted();
    size_t address_space = os_address_space_limit();
    wanted = round_up(wanted, GRANULE_SIZE);
    if (address_space < 2 * wanted)
        return window_reserve(address_space);
    for (; wanted >= RESERVE_LEAST; wanted /= 2)
        if (frontier_reserve(wanted))
            return true;
    return window_reserve(16 * RESERVE_LEAST);
}

void reservation_make(void)
{
    if (!reserve())
        return;
    region.made = true;
    region_map.limit = region.granules;
    message_verbose(1, "reserved %zu MiB of address space%s", count(&region.reserved) / MIB,
                    region.windowed ? " for its tables; memory is mapped piece by piece" : "");
    /* index 0 means "none" in all lists, so granule 0 is never a span */
    set_frontier(region.windowed ? region.granules : 1);
    region.committed_end = region.windowed ? region.granules : 0;
    if (region.windowed)
        runs_insert(1, region.granules - 1, SPAN_UNMAPPED);
}

uint32_t reservation_extend(size_t granules, size_t align)
{
    return region.windowed ? window_extend(granules, align) : frontier_extend(granules, align, 0);
}
