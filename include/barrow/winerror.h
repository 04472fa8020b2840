/* SPDX-License-Identifier: MIT */
/* winerror.h: the error codes that GetLastError answers here. */
#ifndef BARROW_WINERROR_H
#define BARROW_WINERROR_H

#define NO_ERROR                     0u
#define ERROR_SUCCESS                0u
#define ERROR_INVALID_FUNCTION       1u
#define ERROR_FILE_NOT_FOUND         2u
#define ERROR_PATH_NOT_FOUND         3u
#define ERROR_TOO_MANY_OPEN_FILES    4u
#define ERROR_ACCESS_DENIED          5u
#define ERROR_INVALID_HANDLE         6u
#define ERROR_NOT_ENOUGH_MEMORY      8u
#define ERROR_BAD_FORMAT             11u
#define ERROR_OUTOFMEMORY            14u
#define ERROR_WRITE_PROTECT          19u
#define ERROR_BAD_LENGTH             24u
#define ERROR_WRITE_FAULT            29u
#define ERROR_READ_FAULT             30u
#define ERROR_GEN_FAILURE            31u
#define ERROR_SHARING_VIOLATION      32u
#define ERROR_LOCK_VIOLATION         33u
#define ERROR_HANDLE_EOF             38u
#define ERROR_HANDLE_DISK_FULL       39u
#define ERROR_NOT_SUPPORTED          50u
#define ERROR_FILE_EXISTS            80u
#define ERROR_INVALID_PARAMETER      87u
#define ERROR_BROKEN_PIPE            109u
#define ERROR_DISK_FULL              112u
#define ERROR_CALL_NOT_IMPLEMENTED   120u
#define ERROR_INSUFFICIENT_BUFFER    122u
#define ERROR_INVALID_NAME           123u
#define ERROR_NEGATIVE_SEEK          131u
#define ERROR_DIR_NOT_EMPTY          145u
#define ERROR_DISCARDED              157u
#define ERROR_NOT_LOCKED             158u
#define ERROR_BAD_PATHNAME           161u
#define ERROR_BUSY                   170u
#define ERROR_ALREADY_EXISTS         183u
#define ERROR_BAD_EXE_FORMAT         193u
#define ERROR_FILENAME_EXCED_RANGE   206u
#define ERROR_FILE_TOO_LARGE         223u
#define ERROR_NO_MORE_ITEMS          259u
#define ERROR_PARTIAL_COPY           299u
#define ERROR_INVALID_ADDRESS        487u
#define ERROR_NOACCESS               998u
#define ERROR_FILE_INVALID           1006u
#define ERROR_NO_UNICODE_TRANSLATION 1113u
#define ERROR_IO_DEVICE              1117u
#define ERROR_MAPPED_ALIGNMENT       1132u
#define ERROR_USER_MAPPED_FILE       1224u
#define ERROR_PRIVILEGE_NOT_HELD     1314u
#define ERROR_FILE_CORRUPT           1392u
#define ERROR_NO_SYSTEM_RESOURCES    1450u
#define ERROR_WORKING_SET_QUOTA      1453u
#define ERROR_COMMITMENT_LIMIT       1455u

#define SUCCEEDED(hr) (((HRESULT)(hr)) >= 0)
#define FAILED(hr)    (((HRESULT)(hr)) < 0)

#endif
