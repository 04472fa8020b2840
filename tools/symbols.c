/* SPDX-License-Identifier: MIT */
/* symbols.c: a module that the command loads for `barrow symbolize`. Debug information is looked for in the
 * file, and by its build identifier where the distribution puts it. */
#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t size, length;
};

/* Files are opened once: a log names the same ones again and again. */
struct file {
    char *name;
    Dwfl *session;
    Dwfl_Module *module; /* NULL: it is no file of code */
    GElf_Addr start;
};

enum { FILES = 64 };

static struct file files[FILES];
static size_t count;

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->bytes + text->length, text->size - text->length, format, arguments);
    va_end(arguments);
    if (n > 0)
        text->length +=
            (size_t)n < text->size - text->length ? (size_t)n : text->size - 1 - text->length;
}

static void open_file(struct file *file, const char *name)
{
    static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_build_id_find_elf,
                                              .find_debuginfo = dwfl_standard_find_debuginfo,
                                              .section_address = dwfl_offline_section_address };
    file->name = strdup(name);
    file->session = dwfl_begin(&callbacks);
    if (file->session == NULL)
        return;
    file->module = dwfl_report_offline(file->session, name, name, -1);
    dwfl_report_end(file->session, NULL, NULL);
    if (file->module)
        dwfl_module_info(file->module, NULL, &file->start, NULL, NULL, NULL, NULL, NULL);
}

static struct file *find_file(const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].name && strcmp(files[i].name, name) == 0)
            return &files[i];
    if (count == FILES)
        return NULL;
    open_file(&files[count], name);
    return &files[count++];
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Where the function that is inlined at `scope` was called. */
static void add_call(struct text *text, Dwarf_Die *unit, Dwarf_Die *scope)
{
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files *names;
    dwarf_formudata(dwarf_attr(scope, DW_AT_call_file, &attribute), &file);
    dwarf_formudata(dwarf_attr(scope, DW_AT_call_line, &attribute), &line);
    const char *name =
        dwarf_getsrcfiles(unit, &names, NULL) == 0 ? dwarf_filesrc(names, file, NULL, NULL) : NULL;
    if (name && line)
        add(text, " at %s:%llu", base_name(name), (unsigned long long)line);
}

/* The entries around an address from the inside out, to be freed; returns how many. dwarf_getscopes follows an
 * inlined function to where it is written; where it was called is found from its entry. */
static int scopes_at(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
    Dwarf_Die *written = NULL;
    *scopes = NULL;
    int depth = unit && dwarf_getscopes(unit, address, &written) > 0
                    ? dwarf_getscopes_die(&written[0], scopes)
                    : 0;
    free(written);
    return depth;
}

static bool is_function(Dwarf_Die *scope)
{
    return dwarf_tag(scope) == DW_TAG_inlined_subroutine || dwarf_tag(scope) == DW_TAG_subprogram;
}

/* The table of address ranges does not name what clang has compiled: its units are looked through. */
static Dwarf_Die *unit_at(struct file *file, GElf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(file->module, address, bias);
    if (unit == NULL)
        while ((unit = dwfl_module_nextcu(file->module, unit, bias)) != NULL)
            if (dwarf_haspc(unit, address - *bias) > 0)
                break;
    return unit;
}

static void add_source(struct text *text, Dwarf_Die *unit, Dwarf_Addr address)
{
    int line = 0;
    Dwarf_Line *source = dwarf_getsrc_die(unit, address);
    const char *name = source ? dwarf_linesrc(source, NULL, NULL) : NULL;
    if (name && dwarf_lineno(source, &line) == 0)
        add(text, " at %s:%d", base_name(name), line);
}

/* False when debug information has none. */
static bool add_functions(struct text *text, struct file *file, GElf_Addr address)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = unit_at(file, address, &bias), *scopes, *inner = NULL;
    int depth = scopes_at(unit, address - bias, &scopes);
    for (int i = 0; i < depth; i++) {
        if (!is_function(&scopes[i]))
            continue;
        const char *function = dwarf_diename(&scopes[i]);
        add(text, "%s%s", inner ? ", inlined into " : "", function ? function : "?");
        if (inner)
            add_call(text, unit, inner);
        else
            add_source(text, unit, address - bias);
        inner = &scopes[i];
    }
    bool known = inner != NULL;
    free(scopes);
    return known;
}

void symbols_describe(const char *path, uint64_t offset, char *bytes, size_t size)
{
    struct text text = { bytes, size, 0 };
    struct file *file = find_file(path);
    bytes[0] = '\0';
    if (!file || !file->module)
        return;
    GElf_Addr address = file->start + offset - 1; /* in the call, which the address is behind */
    if (add_functions(&text, file, address))
        return;
    const char *symbol = dwfl_module_addrname(file->module, address);
    if (symbol)
        add(&text, "%s", symbol);
}
