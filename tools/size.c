/* SPDX-License-Identifier: MIT */
/* size.c: sizes in binary units with one decimal; counts with a comma between thousands. */
#include "size.h"

#include <inttypes.h>
#include <stdio.h>

struct figure size_text(uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    struct figure figure;
    if (bytes < 1024) {
        snprintf(figure.text, sizeof figure.text, "%" PRIu64 " byte%s", bytes,
                 bytes == 1 ? "" : "s");
        return figure;
    }
    double scaled = (double)bytes / 1024;
    unsigned unit = 0;
    while (scaled >= 1023.95 && unit < 5) { /* what would be shown as 1024.0 */
        scaled /= 1024;
        unit++;
    }
    snprintf(figure.text, sizeof figure.text, "%.1f %s", scaled, units[unit]);
    return figure;
}

struct figure count_text(uint64_t count)
{
    char digits[21];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    struct figure figure;
    char *to = figure.text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return figure;
}
