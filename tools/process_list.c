/* SPDX-License-Identifier: MIT */
#include "process_list.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool parse_pid(const char *text, pid_t *pid)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    *pid = (pid_t)number;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number > 0 &&
           number <= INT_MAX;
}

static int by_number(const void *a, const void *b)
{
    pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
    return (left > right) - (left < right);
}

pid_t *process_list(size_t *count)
{
    size_t room = 256;
    pid_t *list = malloc(room * sizeof *list);
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    *count = 0;
    while (list && folder && (entry = readdir(folder))) {
        if (*count == room) {
            pid_t *longer = realloc(list, (room *= 2) * sizeof *list);
            if (!longer)
                break;
            list = longer;
        }
        *count += parse_pid(entry->d_name, &list[*count]);
    }
    if (folder)
        closedir(folder);
    if (list)
        qsort(list, *count, sizeof *list, by_number);
    return list;
}

static FILE *open_file(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%jd/%s", (intmax_t)pid, name);
    return fopen(path, "re");
}

bool process_resident(pid_t pid, uint64_t *resident, uint64_t *peak)
{
    char line[256];
    FILE *file = open_file(pid, "status");
    *resident = *peak = 0;
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "VmRSS: %" SCNu64, resident);
        sscanf(line, "VmHWM: %" SCNu64, peak);
    }
    fclose(file);
    *resident *= 1024;
    *peak *= 1024;
    return true;
}

bool process_is_alive(pid_t pid)
{
    char line[1024] = "";
    FILE *file = open_file(pid, "stat");
    if (!file)
        return false;
    /* the name, in parentheses, may hold anything: the state follows its end */
    const char *after = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return after && after[1] == ' ' && after[2] != 'Z' && after[2] != 'X';
}
