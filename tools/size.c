/* SPDX-License-Identifier: MIT */
#include "size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool digits_parse(const char **text, uint64_t *value)
{
    const char *at = *text;
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value))
            return false;
    bool any = at != *text;
    *text = at;
    return any;
}

bool size_parse(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "KMGTkmgt";
    if (!digits_parse(&text, bytes))
        return false;
    if (*text) {
        const char *suffix = strchr(suffixes, *text);
        if (!suffix || text[1])
            return false;
        unsigned shift = 10 * ((unsigned)(suffix - suffixes) % 4 + 1);
        if (__builtin_mul_overflow(*bytes, UINT64_C(1) << shift, bytes))
            return false;
    }
    return *bytes <= INT64_MAX;
}

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
