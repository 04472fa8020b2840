/* SPDX-License-Identifier: MIT */
/* slot_range.h: the data directory of the import slots (IMAGE_DIRECTORY_ENTRY_IAT), for a program
 * whose import descriptors move.
 *
 * Windows' loader makes this range writable while it fills the slots. In a program without the
 * directory it takes the whole section that the import descriptors are in, and refuses the program
 * if there is none. Once the descriptors are elsewhere that is the wrong section. So the section
 * that they were in is named in the directory. */
#ifndef BARROW_REDIRECT_SLOT_RANGE_H
#define BARROW_REDIRECT_SLOT_RANGE_H

#include <windows.h>

/* The section that the distance from the image's base is in; { 0 } if there is none. */
static inline IMAGE_DATA_DIRECTORY section_range(const IMAGE_SECTION_HEADER *sections,
                                                 unsigned count, DWORD distance)
{
    for (unsigned i = 0; i < count; i++) {
        DWORD size = sections[i].Misc.VirtualSize;
        if (size == 0)
            size = sections[i].SizeOfRawData;
        if (distance - sections[i].VirtualAddress < size)
            return (IMAGE_DATA_DIRECTORY){ sections[i].VirtualAddress, size };
    }
    return (IMAGE_DATA_DIRECTORY){ 0 };
}

/* What the directory must be: `now` if the program has one; else the section of its descriptors at
 * `imports` (0: it has none), else `own`, the slots of the descriptor that was added. */
static inline IMAGE_DATA_DIRECTORY slot_range(IMAGE_DATA_DIRECTORY now,
                                              const IMAGE_SECTION_HEADER *sections, unsigned count,
                                              DWORD imports, IMAGE_DATA_DIRECTORY own)
{
    if (now.VirtualAddress != 0)
        return now;
    IMAGE_DATA_DIRECTORY section = { 0 };
    if (imports != 0)
        section = section_range(sections, count, imports);
    return section.VirtualAddress != 0 ? section : own;
}

#endif
