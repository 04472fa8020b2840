/* SPDX-License-Identifier: MIT */
/* face.h: plain names for what the library defines as barrow_NAME. */
#ifndef BARROW_SHIM_FACE_H
#define BARROW_SHIM_FACE_H

#define FACE(result, name, parameters)                                                             \
    result name parameters __attribute__((alias("barrow_" #name), visibility("default")))

#endif
