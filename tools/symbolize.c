/* SPDX-License-Identifier: MIT */
/* symbolize.c: barrow symbolize: a filter that puts function, file and line to the frames of the library's
 * reports, which say "#3 module+0xOFFSET". */
#include "command.h"
#include "module.h"
#include "symbols.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODULES = 64 };

static const char *modules[MODULES]; /* from --module */
static size_t module_count;

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "module", required_argument, NULL, 'm' },
    { 0 },
};

static int print_help(void)
{
    return print_text(
        "Usage: barrow symbolize [--module=FILE]... <LOG\n"
        "Copy standard input to standard output, and put function, file and line behind each "
        "frame\n"
        "of barrow's reports.\n"
        "\n"
        "  -m, --module=FILE  a program or library that the log names; others are looked for in "
        "the\n"
        "                     current folder, PATH, LD_LIBRARY_PATH and the system's libraries\n"
        "  -h, --help         show this help\n"
        "\n"
        "Programs must be the same files as when the log was written.\n");
}

/* ---- files ---------------------------------------------------------------------------------- */

static bool is_in(char path[PATH_MAX], const char *folder, size_t length, const char *name)
{
    return snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folder, name) < PATH_MAX &&
           access(path, R_OK) == 0;
}

/* In the folders of a list that colons divide. */
static bool is_in_list(char path[PATH_MAX], const char *list, const char *name)
{
    for (; list && *list; list += strcspn(list, ":"), list += *list == ':')
        if (is_in(path, list, strcspn(list, ":"), name))
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool find_module(char path[PATH_MAX], const char *name)
{
    for (size_t i = 0; i < module_count; i++)
        if (strcmp(base_name(modules[i]), name) == 0)
            return snprintf(path, PATH_MAX, "%s", modules[i]) < PATH_MAX;
    return is_in_list(path, ".", name) || is_in_list(path, getenv("PATH"), name) ||
           is_in_list(path, getenv("LD_LIBRARY_PATH"), name) ||
           is_in_list(path,
                      "/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu:/usr/lib/x86_64-linux-gnu:"
                      "/usr/lib/aarch64-linux-gnu:/lib64:/usr/lib64:/lib:/usr/lib:/usr/local/lib",
                      name);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* "barrow:     #3 module+0x1234": its module and offset. */
static bool is_frame(const char *line, char name[256], uint64_t *offset)
{
    unsigned number;
    int at = 0;
    if (strncmp(line, "barrow: ", 8) != 0 || sscanf(line + 8, " #%u %n", &number, &at) != 1 ||
        at == 0)
        return false;
    const char *module = line + 8 + at, *plus = strstr(module, "+0x");
    if (!plus || plus == module || plus - module > 255)
        return false;
    memcpy(name, module, (size_t)(plus - module));
    name[plus - module] = '\0';
    return sscanf(plus + 3, "%" SCNx64, offset) == 1 && !strchr(name, '/');
}

static void copy_line(char *line, __typeof__(symbols_describe) *describe)
{
    char name[256], path[PATH_MAX], place[1024] = "";
    uint64_t offset;
    size_t end = strcspn(line, "\n");
    if (is_frame(line, name, &offset) && find_module(path, name))
        describe(path, offset, place, sizeof place);
    if (place[0])
        printf("%.*s  %s%s", (int)end, line, place, line + end);
    else
        fputs(line, stdout);
}

static int filter(void)
{
    __typeof__(symbols_describe) *describe;
    void *symbol = module_symbol("barrow-symbols.so", "symbols_describe");
    char *line = NULL;
    size_t capacity = 0;
    if (!symbol) {
        warnx("symbols are read by elfutils' libdw, which this command was built without, or which "
              "is not installed");
        return STATUS_FAILED;
    }
    memcpy(&describe, &symbol, sizeof symbol);
    while (getline(&line, &capacity, stdin) > 0)
        copy_line(line, describe);
    free(line);
    return print_text("");
}

int symbolize_main(int argc, char **argv)
{
    int option;
    while ((option = getopt_long(argc, argv, "hm:", long_options, NULL)) != -1) {
        if (option == 'h')
            return print_help();
        if (option != 'm')
            return usage_error(argv[0]);
        if (module_count < MODULES)
            modules[module_count++] = optarg;
    }
    if (optind < argc) {
        warnx("'%s' is one argument too many: the log is read from standard input", argv[optind]);
        return usage_error(argv[0]);
    }
    return filter();
}
