/* SPDX-License-Identifier: MIT */
/* windows.h: all of the Win32 face. With the folder win32 on the include path, a Windows source that
 * uses only what docs/porting.md lists includes this as <windows.h> and compiles unchanged. With
 * UNICODE defined, TCHAR is a 16-bit character and TEXT("x") is u"x". */
#ifndef BARROW_WINDOWS_H
#define BARROW_WINDOWS_H

#include "msvc.h"

#include "windef.h"

#include "debugapi.h"
#include "errhandlingapi.h"
#include "fileapi.h"
#include "handleapi.h"
#include "heapapi.h"
#include "interlockedapi.h"
#include "libloaderapi.h"
#include "memoryapi.h"
#include "processthreadsapi.h"
#include "profileapi.h"
#include "synchapi.h"
#include "sysinfoapi.h"
#include "timezoneapi.h"
#include "winbase.h"

#if !defined(__cplusplus) && !defined(NOMINMAX)
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif

#endif
