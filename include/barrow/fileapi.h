/* SPDX-License-Identifier: MIT */
/* fileapi.h: files, as far as file mappings need them.
 *
 * Paths are those of the system, in UTF-8 (A) or UTF-16 (W); a backslash separates folders as a
 * slash does, and a leading \\?\ is skipped. There are no drive letters. Every call may be made
 * from any thread. FALSE or INVALID_HANDLE_VALUE on failure, with the last error set. */
#ifndef BARROW_FILEAPI_H
#define BARROW_FILEAPI_H

#include "handleapi.h"
#include "minwinbase.h"

#define CREATE_NEW        1u
#define CREATE_ALWAYS     2u
#define OPEN_EXISTING     3u
#define OPEN_ALWAYS       4u
#define TRUNCATE_EXISTING 5u

#define INVALID_FILE_SIZE        ((DWORD)0xFFFFFFFFu)
#define INVALID_FILE_ATTRIBUTES  ((DWORD)0xFFFFFFFFu)
#define INVALID_SET_FILE_POINTER ((DWORD)0xFFFFFFFFu)

#define FILE_TYPE_UNKNOWN 0x0000u
#define FILE_TYPE_DISK    0x0001u
#define FILE_TYPE_CHAR    0x0002u
#define FILE_TYPE_PIPE    0x0003u

typedef struct _WIN32_FILE_ATTRIBUTE_DATA {
    DWORD dwFileAttributes;
    FILETIME ftCreationTime; /* where the file system does not keep it: ftLastWriteTime */
    FILETIME ftLastAccessTime;
    FILETIME ftLastWriteTime;
    DWORD nFileSizeHigh;
    DWORD nFileSizeLow;
} WIN32_FILE_ATTRIBUTE_DATA, *LPWIN32_FILE_ATTRIBUTE_DATA;

typedef struct _BY_HANDLE_FILE_INFORMATION {
    DWORD dwFileAttributes;
    FILETIME ftCreationTime;
    FILETIME ftLastAccessTime;
    FILETIME ftLastWriteTime;
    DWORD dwVolumeSerialNumber; /* of the file system's device number */
    DWORD nFileSizeHigh;
    DWORD nFileSizeLow;
    DWORD nNumberOfLinks;
    DWORD nFileIndexHigh; /* the inode's number */
    DWORD nFileIndexLow;
} BY_HANDLE_FILE_INFORMATION, *PBY_HANDLE_FILE_INFORMATION, *LPBY_HANDLE_FILE_INFORMATION;

BARROW_LAYOUT(sizeof(WIN32_FILE_ATTRIBUTE_DATA) == 36);
BARROW_LAYOUT(sizeof(BY_HANDLE_FILE_INFORMATION) == 52);

#define CreateFileA                barrow_CreateFileA
#define CreateFileW                barrow_CreateFileW
#define DeleteFileA                barrow_DeleteFileA
#define DeleteFileW                barrow_DeleteFileW
#define FlushFileBuffers           barrow_FlushFileBuffers
#define GetFileSize                barrow_GetFileSize
#define GetFileSizeEx              barrow_GetFileSizeEx
#define ReadFile                   barrow_ReadFile
#define SetEndOfFile               barrow_SetEndOfFile
#define SetFilePointer             barrow_SetFilePointer
#define SetFilePointerEx           barrow_SetFilePointerEx
#define WriteFile                  barrow_WriteFile
#define GetFileAttributesA         barrow_GetFileAttributesA
#define GetFileAttributesW         barrow_GetFileAttributesW
#define GetFileAttributesExA       barrow_GetFileAttributesExA
#define GetFileAttributesExW       barrow_GetFileAttributesExW
#define SetFileAttributesA         barrow_SetFileAttributesA
#define SetFileAttributesW         barrow_SetFileAttributesW
#define GetFileInformationByHandle barrow_GetFileInformationByHandle
#define GetFileType                barrow_GetFileType
#define GetFileTime                barrow_GetFileTime
#define GetFullPathNameA           barrow_GetFullPathNameA
#define GetFullPathNameW           barrow_GetFullPathNameW
#define GetCurrentDirectoryA       barrow_GetCurrentDirectoryA
#define GetCurrentDirectoryW       barrow_GetCurrentDirectoryW
#define GetTempPathA               barrow_GetTempPathA
#define GetTempPathW               barrow_GetTempPathW
#define GetTempFileNameA           barrow_GetTempFileNameA
#define GetTempFileNameW           barrow_GetTempFileNameW
#define GetDiskFreeSpaceExA        barrow_GetDiskFreeSpaceExA
#define GetDiskFreeSpaceExW        barrow_GetDiskFreeSpaceExW
#define CreateDirectoryA           barrow_CreateDirectoryA
#define CreateDirectoryW           barrow_CreateDirectoryW
#define RemoveDirectoryA           barrow_RemoveDirectoryA
#define RemoveDirectoryW           barrow_RemoveDirectoryW
#define LockFile                   barrow_LockFile
#define LockFileEx                 barrow_LockFileEx
#define UnlockFile                 barrow_UnlockFile
#define UnlockFileEx               barrow_UnlockFileEx
#define GetTempPath2A              barrow_GetTempPathA
#define GetTempPath2W              barrow_GetTempPathW

#ifdef UNICODE
#define CreateFile          CreateFileW
#define DeleteFile          DeleteFileW
#define GetFileAttributes   GetFileAttributesW
#define GetFileAttributesEx GetFileAttributesExW
#define SetFileAttributes   SetFileAttributesW
#define GetFullPathName     GetFullPathNameW
#define GetCurrentDirectory GetCurrentDirectoryW
#define GetTempPath         GetTempPathW
#define GetTempPath2        GetTempPath2W
#define GetTempFileName     GetTempFileNameW
#define GetDiskFreeSpaceEx  GetDiskFreeSpaceExW
#define CreateDirectory     CreateDirectoryW
#define RemoveDirectory     RemoveDirectoryW
#else
#define CreateFile          CreateFileA
#define DeleteFile          DeleteFileA
#define GetFileAttributes   GetFileAttributesA
#define GetFileAttributesEx GetFileAttributesExA
#define SetFileAttributes   SetFileAttributesA
#define GetFullPathName     GetFullPathNameA
#define GetCurrentDirectory GetCurrentDirectoryA
#define GetTempPath         GetTempPathA
#define GetTempPath2        GetTempPath2A
#define GetTempFileName     GetTempFileNameA
#define GetDiskFreeSpaceEx  GetDiskFreeSpaceExA
#define CreateDirectory     CreateDirectoryA
#define RemoveDirectory     RemoveDirectoryA
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Opens or makes a file. share binds programs that use this library. CREATE_ALWAYS and OPEN_ALWAYS
 * set the last error to ERROR_ALREADY_EXISTS or 0 on success. flags: FILE_FLAG_DELETE_ON_CLOSE,
 * FILE_FLAG_WRITE_THROUGH, FILE_FLAG_BACKUP_SEMANTICS (for folders); FILE_ATTRIBUTE_READONLY makes
 * a new file read-only; the rest is advice and ignored. Errors: ERROR_FILE_NOT_FOUND,
 * ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED, ERROR_FILE_EXISTS, ERROR_SHARING_VIOLATION,
 * ERROR_INVALID_PARAMETER, ERROR_USER_MAPPED_FILE, ERROR_TOO_MANY_OPEN_FILES. */
BARROW_API HANDLE WINAPI CreateFileA(LPCSTR name, DWORD access, DWORD share,
                                     LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                                     DWORD flags, HANDLE model);
BARROW_API HANDLE WINAPI CreateFileW(LPCWSTR name, DWORD access, DWORD share,
                                     LPSECURITY_ATTRIBUTES attributes, DWORD disposition,
                                     DWORD flags, HANDLE model);

/* Removes a file's name. ERROR_SHARING_VIOLATION while a handle is open without FILE_SHARE_DELETE,
 * ERROR_ACCESS_DENIED while it is mapped, and those of opening. */
BARROW_API BOOL WINAPI DeleteFileA(LPCSTR name);
BARROW_API BOOL WINAPI DeleteFileW(LPCWSTR name);

/* Reads or writes at the file's position, or at the offset in *overlapped; always synchronous. The
 * position is then behind what was transferred, but with FILE_FLAG_OVERLAPPED, where every call needs
 * an offset. Offset -1: at the end (writing only). A handle with FILE_APPEND_DATA and without
 * FILE_WRITE_DATA writes at the end always, in one step with finding it.
 * Reading at the end stores 0 and is no error, but ERROR_HANDLE_EOF with overlapped.
 * Errors: ERROR_INVALID_HANDLE, ERROR_ACCESS_DENIED, ERROR_NOACCESS, ERROR_DISK_FULL,
 * ERROR_INVALID_PARAMETER (neither transferred nor overlapped is given). */
BARROW_API BOOL WINAPI ReadFile(HANDLE file, LPVOID buffer, DWORD bytes, LPDWORD transferred,
                                LPOVERLAPPED overlapped);
BARROW_API BOOL WINAPI WriteFile(HANDLE file, LPCVOID buffer, DWORD bytes, LPDWORD transferred,
                                 LPOVERLAPPED overlapped);

/* Waits until data and metadata are on the disk. ERROR_ACCESS_DENIED without GENERIC_WRITE. */
BARROW_API BOOL WINAPI FlushFileBuffers(HANDLE file);

/* The size. The first form answers INVALID_FILE_SIZE on failure, and sets the last error to
 * NO_ERROR when that is the low half of the size itself. */
BARROW_API DWORD WINAPI GetFileSize(HANDLE file, LPDWORD high);
BARROW_API BOOL WINAPI GetFileSizeEx(HANDLE file, PLARGE_INTEGER size);

/* Moves the position; method is FILE_BEGIN, FILE_CURRENT or FILE_END. ERROR_NEGATIVE_SEEK;
 * ERROR_INVALID_PARAMETER also when high is NULL and the new position has more than 32 bits. */
BARROW_API DWORD WINAPI SetFilePointer(HANDLE file, LONG low, PLONG high, DWORD method);
BARROW_API BOOL WINAPI SetFilePointerEx(HANDLE file, LARGE_INTEGER distance,
                                        PLARGE_INTEGER position, DWORD method);

/* Cuts or extends the file to its position. ERROR_USER_MAPPED_FILE when a mapping is in the way,
 * ERROR_DISK_FULL, ERROR_LOCK_VIOLATION when another process keeps the size locked for ten seconds. */
BARROW_API BOOL WINAPI SetEndOfFile(HANDLE file);

/* What a path leads to, links followed: FILE_ATTRIBUTE_DIRECTORY, or FILE_ATTRIBUTE_ARCHIVE for a
 * file, with FILE_ATTRIBUTE_READONLY when nobody has the permission to write, or
 * FILE_ATTRIBUTE_NORMAL for devices and the like. INVALID_FILE_ATTRIBUTES: ERROR_FILE_NOT_FOUND,
 * ERROR_PATH_NOT_FOUND, ERROR_ACCESS_DENIED. The second form also gives times and size; another
 * level than GetFileExInfoStandard is ERROR_INVALID_PARAMETER. */
BARROW_API DWORD WINAPI GetFileAttributesA(LPCSTR name);
BARROW_API DWORD WINAPI GetFileAttributesW(LPCWSTR name);
BARROW_API BOOL WINAPI GetFileAttributesExA(LPCSTR name, GET_FILEEX_INFO_LEVELS level,
                                            LPVOID information);
BARROW_API BOOL WINAPI GetFileAttributesExW(LPCWSTR name, GET_FILEEX_INFO_LEVELS level,
                                            LPVOID information);

/* Of the attributes, FILE_ATTRIBUTE_READONLY of files counts: it takes every permission to write
 * away, and its absence gives the owner that permission back. Errors as above. */
BARROW_API BOOL WINAPI SetFileAttributesA(LPCSTR name, DWORD attributes);
BARROW_API BOOL WINAPI SetFileAttributesW(LPCWSTR name, DWORD attributes);

/* The same of an open file, with what identifies it: no two files that exist at a time have the same
 * volume and index. ERROR_INVALID_HANDLE, ERROR_NOACCESS (NULL). */
BARROW_API BOOL WINAPI GetFileInformationByHandle(HANDLE file,
                                                  LPBY_HANDLE_FILE_INFORMATION information);

/* FILE_TYPE_DISK (files and folders), FILE_TYPE_CHAR, FILE_TYPE_PIPE (also sockets);
 * FILE_TYPE_UNKNOWN with ERROR_INVALID_HANDLE. */
BARROW_API DWORD WINAPI GetFileType(HANDLE file);

/* Times of an open file; each pointer may be NULL. ERROR_INVALID_HANDLE. */
BARROW_API BOOL WINAPI GetFileTime(HANDLE file, LPFILETIME created, LPFILETIME accessed,
                                   LPFILETIME written);

/* The path from the root, without "." and "..", and with a slash between folders; nothing is looked
 * up but the current folder. *part, unless it is NULL, is where the last part begins in the buffer,
 * or NULL when the path ends with a slash. The current folder; the folder for temporary files
 * ($TMPDIR, else /tmp), with a slash at its end. Each returns the length; or, if that and the zero do
 * not fit into `size` characters, the size needed, and stores nothing. 0 on failure:
 * ERROR_INVALID_NAME (an empty path), ERROR_FILENAME_EXCED_RANGE, ERROR_FILE_NOT_FOUND (the current
 * folder was removed). */
BARROW_API DWORD WINAPI GetFullPathNameA(LPCSTR name, DWORD size, LPSTR buffer, LPSTR *part);
BARROW_API DWORD WINAPI GetFullPathNameW(LPCWSTR name, DWORD size, LPWSTR buffer, LPWSTR *part);
BARROW_API DWORD WINAPI GetCurrentDirectoryA(DWORD size, LPSTR buffer);
BARROW_API DWORD WINAPI GetCurrentDirectoryW(DWORD size, LPWSTR buffer);
BARROW_API DWORD WINAPI GetTempPathA(DWORD size, LPSTR buffer);
BARROW_API DWORD WINAPI GetTempPathW(DWORD size, LPWSTR buffer);

/* Makes the name folder/PREunique.tmp from the first three characters of prefix (NULL: none) and the
 * lower 16 bits of unique in hexadecimal, in a buffer of MAX_PATH characters. unique 0: finds a
 * number whose file does not exist, and makes the file. Returns the number, or 0: ERROR_DIRECTORY
 * (no such folder), ERROR_BUFFER_OVERFLOW (the folder has more than MAX_PATH - 14 bytes),
 * ERROR_FILE_EXISTS (all are taken), ERROR_ACCESS_DENIED. */
BARROW_API UINT WINAPI GetTempFileNameA(LPCSTR folder, LPCSTR prefix, UINT unique, LPSTR name);
BARROW_API UINT WINAPI GetTempFileNameW(LPCWSTR folder, LPCWSTR prefix, UINT unique, LPWSTR name);

/* Bytes of the file system that a folder (NULL: the current one) is in: what the user may still
 * write, the size, and what is unused. Each pointer may be NULL. Errors as for
 * GetFileAttributes. */
BARROW_API BOOL WINAPI GetDiskFreeSpaceExA(LPCSTR folder, PULARGE_INTEGER available,
                                           PULARGE_INTEGER total, PULARGE_INTEGER unused);
BARROW_API BOOL WINAPI GetDiskFreeSpaceExW(LPCWSTR folder, PULARGE_INTEGER available,
                                           PULARGE_INTEGER total, PULARGE_INTEGER unused);

/* Make and remove a folder. attributes is ignored. ERROR_ALREADY_EXISTS, ERROR_PATH_NOT_FOUND,
 * ERROR_FILE_NOT_FOUND, ERROR_DIR_NOT_EMPTY, ERROR_DIRECTORY (no folder), ERROR_ACCESS_DENIED. */
BARROW_API BOOL WINAPI CreateDirectoryA(LPCSTR name, LPSECURITY_ATTRIBUTES attributes);
BARROW_API BOOL WINAPI CreateDirectoryW(LPCWSTR name, LPSECURITY_ATTRIBUTES attributes);
BARROW_API BOOL WINAPI RemoveDirectoryA(LPCSTR name);
BARROW_API BOOL WINAPI RemoveDirectoryW(LPCWSTR name);

/* Lock bytes of a file against the locks of other handles, in this and other processes that use this
 * library or fcntl; ReadFile, WriteFile and mappings do not look at locks. The range may lie behind
 * the end of the file; ranges from 2^61 on exclude each other. LockFile and
 * LOCKFILE_EXCLUSIVE_LOCK exclude all other locks, except shared ones of the same handle that come
 * later; without that flag the lock is shared. LockFile and LOCKFILE_FAIL_IMMEDIATELY do not wait:
 * ERROR_LOCK_VIOLATION. The offset is that in *overlapped. An exclusive lock needs the permission to
 * write to the file, or ERROR_ACCESS_DENIED. Unlock takes exactly a range that was locked, the
 * exclusive lock of it first, or fails with ERROR_NOT_LOCKED. The last close of the handle, or of
 * its duplicates, unlocks all. Also ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER,
 * ERROR_NOT_ENOUGH_MEMORY. */
BARROW_API BOOL WINAPI LockFile(HANDLE file, DWORD offset_low, DWORD offset_high, DWORD size_low,
                                DWORD size_high);
BARROW_API BOOL WINAPI LockFileEx(HANDLE file, DWORD flags, DWORD reserved, DWORD size_low,
                                  DWORD size_high, LPOVERLAPPED overlapped);
BARROW_API BOOL WINAPI UnlockFile(HANDLE file, DWORD offset_low, DWORD offset_high, DWORD size_low,
                                  DWORD size_high);
BARROW_API BOOL WINAPI UnlockFileEx(HANDLE file, DWORD reserved, DWORD size_low, DWORD size_high,
                                    LPOVERLAPPED overlapped);

#ifdef __cplusplus
}
#endif

#endif
