/* SPDX-License-Identifier: MIT */
/* map_page.c: map.html, which the assembler takes in, and the snapshots behind it. They hold no `<`. */
#include "map_page.h"

__asm__(".pushsection .rodata\n"
        "map_html: .incbin \"" BARROW_MAP_HTML "\"\n"
        "map_html_end: .byte 0\n"
        ".popsection");

extern const char map_html[], map_html_end[];

void map_page(FILE *out, const char *snapshots, size_t length)
{
    fwrite(map_html, 1, (size_t)(map_html_end - map_html), out);
    fwrite(snapshots, 1, length, out);
    fputs("</script>\n</body>\n</html>\n", out);
}
