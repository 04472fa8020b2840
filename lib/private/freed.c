/* SPDX-License-Identifier: MIT */
#include "private/freed.h"

#include "diag/message.h"
#include "os/process.h"

uintptr_t freed_key = FREED_NO_MARK;

void freed_draw_key(void)
{
    if (freed_key == FREED_NO_MARK)
        freed_key = (uintptr_t)os_random() | FREED_NO_MARK;
}

void freed_is_bad(const struct freed *block)
{
    message_address("private heap: the freed block at ", block, " was written to (use after free)");
    os_abort();
}
