/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct account account_of(const char *path, const char *program)
{
    struct account account = { 0 };
    char line[256], name[128];
    uint64_t value;
    bool ours = false;
    FILE *in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "barrow-stats %*d %127[^\n]", name) == 1) {
            ours = strcmp(name, program) == 0;
            account.processes += ours;
        } else if (ours && sscanf(line, "allocations %" SCNu64, &value) == 1) {
            if (value > account.allocations)
                account.allocations = value;
        }
    }
    if (in != NULL)
        fclose(in);
    return account;
}
