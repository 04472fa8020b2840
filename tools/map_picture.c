/* SPDX-License-Identifier: MIT */
/* map_picture.c: the last of some snapshots as a PNG or SVG, drawn by cairo: the cells of map.html with a
 * legend, in its light colours. A module that the command loads when it is asked for a picture, since cairo
 * brings twenty other libraries. */
#include "map_picture.h"
#include "size.h"
#include "snapshot.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRANULE = 65536,
    WIDTH = 1200,
    MARGIN = 24,
    COLLAPSE = 48,
    LEGEND_ROW = 22,
    SLAB_GROUPS = 4,
    HEAP_HUES = 6
};

struct cell {
    unsigned group; /* a place in `groups`, or GAP */
    double fill;
};

enum group {
    GROUP_SLAB,
    GROUP_MEDIUM = GROUP_SLAB + SLAB_GROUPS,
    GROUP_LARGE,
    GROUP_HEAP,
    GROUP_DIRTY = GROUP_HEAP + HEAP_HUES,
    GROUP_META,
    GROUP_FREE,
    GROUPS,
    GAP = GROUPS
};

static const struct {
    const char *label;
    double hue, saturation, lightness;
} groups[GROUPS] = {
    { "slabs, blocks up to 128 bytes", 215, .70, .42 },
    { "slabs, up to 512", 190, .70, .42 },
    { "slabs, up to 2 KiB", 165, .70, .42 },
    { "slabs, up to 4 KiB", 130, .70, .42 },
    { "medium blocks", 85, .70, .42 },
    { "large blocks", 28, .90, .50 },
    { "private heaps", 285, .60, .48 },
    { "private heaps", 320, .60, .48 },
    { "private heaps", 265, .60, .48 },
    { "private heaps", 340, .60, .48 },
    { "private heaps", 300, .60, .48 },
    { "private heaps", 250, .60, .48 },
    { "free, holds memory", 350, .65, .62 },
    { "barrow's own", 220, .06, .50 },
    { "free, no memory", 220, .10, .92 },
};

struct picture {
    struct cell *cells;
    size_t count, room;
    uint64_t sums[GROUPS]; /* bytes */
    uint64_t blocks[LAYOUT_CLASSES];
    uint64_t end; /* of the last span */
    char title[160];
    double cell; /* size in pixels */
};

/* ---- reading -------------------------------------------------------------------------------- */

static void add(struct picture *picture, unsigned group, double fill)
{
    if (picture->count == picture->room) {
        size_t room = picture->room * 2 + 1024;
        struct cell *cells = realloc(picture->cells, room * sizeof *cells);
        if (!cells)
            return;
        picture->cells = cells;
        picture->room = room;
    }
    picture->cells[picture->count++] = (struct cell){ group, fill < 0 ? 0 : fill > 1 ? 1 : fill };
}

/* What part of the stretches (snapshot.h) is ones; 1 when nothing is known. */
static double share(const char *stretches)
{
    double ones = 0, all = 0;
    char *end;
    for (bool value = true; *stretches >= '0' && *stretches <= '9';
         value = !value, stretches = end) {
        double length = (double)strtoull(stretches, &end, 10);
        ones += value ? length : 0;
        all += length;
        end += *end == ',';
    }
    return all > 0 ? ones / all : 1;
}

static unsigned group_of(char kind, uint64_t block, unsigned heap)
{
    switch (kind) {
    case 's':
        return GROUP_SLAB + (block > 128) + (block > 512) + (block > 2048);
    case 'M':
        return GROUP_MEDIUM;
    case 'L':
        return heap ? GROUP_HEAP + heap % HEAP_HUES : GROUP_LARGE;
    case 'p':
    case 'b':
        return GROUP_HEAP + heap % HEAP_HUES;
    case 'd':
        return GROUP_DIRTY;
    case 'm':
        return GROUP_META;
    default:
        return GROUP_FREE;
    }
}

static void read_span(struct picture *picture, const char *line)
{
    uint64_t at, bytes;
    unsigned class, used, heap;
    char kind;
    int pages, behind;
    if (sscanf(line, "span %" SCNx64 " %" SCNx64 " %c %u %u %u %n%*s %n", &at, &bytes, &kind,
               &class, &used, &heap, &pages, &behind) != 6 ||
        class >= LAYOUT_CLASSES)
        return;
    uint64_t block = picture->blocks[class], granules = (bytes + GRANULE - 1) / GRANULE;
    unsigned group = group_of(kind, block, heap);
    double fill = share(line + pages);
    if (kind == 's')
        fill = line[behind] == '-' ? (double)used * (double)block / (double)bytes
                                   : share(line + behind);
    if (picture->end && at > picture->end)
        add(picture, GAP, 0);
    picture->end = at + bytes;
    picture->sums[group] += bytes;
    for (uint64_t i = 0; i < (group == GROUP_FREE && granules > COLLAPSE ? 1 : granules); i++)
        add(picture, group, group == GROUP_FREE ? 1 : fill);
}

static void read_line(struct picture *picture, const char *line)
{
    unsigned class;
    uint64_t block;
    intmax_t pid;
    char name[64];
    if (sscanf(line, "snapshot %jd %*f %63s", &pid, name) == 2)
        snprintf(picture->title, sizeof picture->title, "Heap of %s, process %jd", name, pid);
    else if (sscanf(line, "class %u %" SCNu64, &class, &block) == 2 && class < LAYOUT_CLASSES)
        picture->blocks[class] = block;
    else
        read_span(picture, line);
}

static bool read_last(struct picture *picture, const char *snapshots)
{
    const char *last = NULL, *line;
    for (const char *at = snapshots; (at = strstr(at, "\nsnapshot ")) != NULL;)
        last = ++at;
    for (line = last; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
        read_line(picture, line);
    if (picture->count == 0)
        warnx("there is no snapshot to draw");
    return picture->count != 0;
}

/* ---- drawing -------------------------------------------------------------------------------- */

/* CSS Color 4's hsl. */
static double channel(double n, double hue, double saturation, double lightness)
{
    double k = fmod(n + hue / 30, 12);
    double a = saturation * (lightness < .5 ? lightness : 1 - lightness);
    return lightness - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
}

static void set_colour(cairo_t *cairo, unsigned group, double fill)
{
    double x = .12 + .88 * fill, saturation = groups[group].saturation,
           lightness = groups[group].lightness;
    if (group != GROUP_FREE) {
        saturation *= .4 + .6 * x;
        lightness = .90 + (lightness - .90) * x;
    }
    double hue = groups[group].hue;
    cairo_set_source_rgb(cairo, channel(0, hue, saturation, lightness),
                         channel(8, hue, saturation, lightness),
                         channel(4, hue, saturation, lightness));
}

static size_t columns_of(const struct picture *picture)
{
    return (size_t)((WIDTH - 2 * MARGIN) / picture->cell);
}

static double map_height(const struct picture *picture)
{
    size_t columns = columns_of(picture);
    return (double)((picture->count + columns - 1) / columns) * picture->cell;
}

static void write_at(cairo_t *cairo, double x, double y, double size, const char *text)
{
    cairo_set_source_rgb(cairo, .1, .12, .14);
    cairo_set_font_size(cairo, size);
    cairo_move_to(cairo, x, y);
    cairo_show_text(cairo, text);
}

static void draw_cells(cairo_t *cairo, const struct picture *picture, double top)
{
    size_t columns = columns_of(picture);
    double side = picture->cell > 4 ? picture->cell - 1 : picture->cell;
    for (size_t i = 0; i < picture->count; i++) {
        const struct cell *cell = &picture->cells[i];
        double x = MARGIN + (double)(i % columns) * picture->cell,
               y = top + (double)(i / columns) * picture->cell;
        if (cell->group == GAP) {
            cairo_set_source_rgb(cairo, .6, .6, .6);
            cairo_rectangle(cairo, x + side / 2 - .5, y, 1, side);
        } else {
            set_colour(cairo, cell->group, cell->fill);
            cairo_rectangle(cairo, x, y, side, side);
        }
        cairo_fill(cairo);
    }
}

static void draw_legend(cairo_t *cairo, const struct picture *picture, double top)
{
    char text[128];
    for (unsigned i = 0, place = 0; i < GROUPS; i++) {
        if (picture->sums[i] == 0)
            continue;
        double x = MARGIN + place % 3 * ((WIDTH - 2 * MARGIN) / 3.),
               y = top + place / 3 * LEGEND_ROW;
        place++;
        set_colour(cairo, i, 1);
        cairo_rectangle(cairo, x, y, 14, 14);
        cairo_fill(cairo);
        snprintf(text, sizeof text, "%s: %s", groups[i].label, size_text(picture->sums[i]).text);
        write_at(cairo, x + 20, y + 12, 13, text);
    }
}

enum { TITLE = 44, LEGEND = 5 * LEGEND_ROW + 12 };

static double height_of(const struct picture *picture)
{
    return TITLE + map_height(picture) + LEGEND + 2 * MARGIN;
}

static void draw(cairo_t *cairo, const struct picture *picture)
{
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    write_at(cairo, MARGIN, MARGIN + 18, 20, picture->title);
    draw_cells(cairo, picture, MARGIN + TITLE);
    draw_legend(cairo, picture, MARGIN + TITLE + map_height(picture) + 16);
}

/* The largest cells with which the map is no higher than wide. */
static void choose_cell(struct picture *picture)
{
    picture->cell = 12;
    while (picture->cell > 1 && map_height(picture) > WIDTH)
        picture->cell--;
}

typedef cairo_surface_t *surface_fn(const char *path, double width, double height);

static cairo_surface_t *png_surface(const char *path, double width, double height)
{
    (void)path;
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)ceil(height));
}

static cairo_status_t paint(const struct picture *picture, const char *path, surface_fn *make,
                            bool png)
{
    cairo_surface_t *surface = make(path, WIDTH, height_of(picture));
    cairo_t *cairo = cairo_create(surface);
    draw(cairo, picture);
    cairo_status_t status = cairo_status(cairo);
    if (png && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png(surface, path);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return status;
}

static bool picture(const char *path, const char *snapshots, surface_fn *make, bool png)
{
    static struct picture picture;
    if (!read_last(&picture, snapshots))
        return false;
    choose_cell(&picture);
    cairo_status_t status = paint(&picture, path, make, png);
    if (status != CAIRO_STATUS_SUCCESS)
        warnx("%s: %s", path, cairo_status_to_string(status));
    free(picture.cells);
    return status == CAIRO_STATUS_SUCCESS;
}

bool map_picture(const char *path, bool png, const char *snapshots)
{
    return png ? picture(path, snapshots, png_surface, true)
               : picture(path, snapshots, cairo_svg_surface_create, false);
}
