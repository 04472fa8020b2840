/* SPDX-License-Identifier: MIT */
/* malloc_info: an XML document of glibc's shape with this heap's figures in it. */
#include <expat.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/calls.h"
#include "support/memory.h"
#include "support/suite.h"

/* What is noted of the document while it is parsed. */
struct shape {
    unsigned depth;
    unsigned heaps;
    unsigned sizes;
    bool root_is_malloc;
    bool root_has_version;
    bool heap_lacks_number;
    unsigned long long system_current; /* the last ones stand for the whole process */
    unsigned long long system_max;
    unsigned long long free_rest;
    unsigned rests;
    unsigned spaces;
};

static const char *attribute(const char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static void total_note(struct shape *shape, const char **attributes)
{
    if (strcmp(attribute(attributes, "type"), "rest") == 0) {
        shape->rests++;
        shape->free_rest = strtoull(attribute(attributes, "size"), NULL, 10);
    }
    assert_true(is_number(attribute(attributes, "count")));
    assert_true(is_number(attribute(attributes, "size")));
}

static void system_note(struct shape *shape, const char **attributes)
{
    const char *type = attribute(attributes, "type");
    const char *size = attribute(attributes, "size");

    assert_true(is_number(size));
    if (strcmp(type, "current") == 0)
        shape->system_current = strtoull(size, NULL, 10);
    else if (strcmp(type, "max") == 0)
        shape->system_max = strtoull(size, NULL, 10);
}

static void element_start(void *context, const char *name, const char **attributes)
{
    struct shape *shape = context;

    if (shape->depth++ == 0) {
        shape->root_is_malloc = strcmp(name, "malloc") == 0;
        shape->root_has_version = is_number(attribute(attributes, "version"));
    } else if (strcmp(name, "heap") == 0) {
        shape->heaps++;
        shape->heap_lacks_number |= !is_number(attribute(attributes, "nr"));
    } else if (strcmp(name, "sizes") == 0) {
        shape->sizes++;
    } else if (strcmp(name, "total") == 0) {
        total_note(shape, attributes);
    } else if (strcmp(name, "system") == 0) {
        system_note(shape, attributes);
    } else if (strcmp(name, "aspace") == 0) {
        shape->spaces++;
        assert_true(is_number(attribute(attributes, "size")));
    }
}

static void element_end(void *context, const char *name)
{
    (void)name;
    ((struct shape *)context)->depth--;
}

static void shape_read(struct shape *shape)
{
    FILE *file = tmpfile();
    static char text[1 << 20];

    assert_non_null(file);
    assert_int_equal(malloc_info(0, file), 0);
    rewind(file);
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_in_range(length, 1, sizeof(text) - 1);

    XML_Parser parser = XML_ParserCreate(NULL);
    assert_non_null(parser);
    memset(shape, 0, sizeof(*shape));
    XML_SetUserData(parser, shape);
    XML_SetElementHandler(parser, element_start, element_end);
    if (XML_Parse(parser, text, (int)length, 1) != XML_STATUS_OK) {
        printf("%.*s\n", (int)length, text);
        fail_msg("line %lu: %s", XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    }
    XML_ParserFree(parser);
}

static void document_has_the_shape_of_glibc(void **state)
{
    struct shape shape;

    (void)state;
    shape_read(&shape);
    assert_true(shape.root_is_malloc);
    assert_true(shape.root_has_version);
    assert_true(shape.heaps >= 1);
    assert_false(shape.heap_lacks_number);
    assert_true(shape.sizes >= 1);
    assert_true(shape.rests >= 2); /* one for each heap, one for the process */
    assert_true(shape.spaces >= 1);
    assert_in_range(shape.system_current, 1, shape.system_max);
}

static void figures_are_of_this_heap(void **state)
{
    enum { BLOCKS = 2000, SIZE = 8000 };
    static void *blocks[BLOCKS];
    struct shape before;
    struct shape held;

    (void)state;
    shape_read(&before);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_non_null(blocks[i] = malloc(SIZE));
        memset(blocks[i], 1, SIZE);
    }
    shape_read(&held);
    assert_true(held.system_current >= (size_t)BLOCKS * SIZE);
    assert_true(held.system_max >= before.system_max);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void other_options_are_refused(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_not_equal(malloc_info(1, file), 0);
    assert_int_not_equal(malloc_info(-1, file), 0);
    assert_int_equal(ftell(file), 0);
    fclose(file);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_has_the_shape_of_glibc),
        cmocka_unit_test(figures_are_of_this_heap),
        cmocka_unit_test(other_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
