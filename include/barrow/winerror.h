/* SPDX-License-Identifier: MIT */
/* winerror.h: the error codes that GetLastError answers here. */
#ifndef BARROW_WINERROR_H
#define BARROW_WINERROR_H

#define ERROR_SUCCESS                  0u
#define NO_ERROR                       0u
#define ERROR_INVALID_FUNCTION         1u
#define ERROR_FILE_NOT_FOUND           2u
#define ERROR_PATH_NOT_FOUND           3u
#define ERROR_TOO_MANY_OPEN_FILES      4u
#define ERROR_ACCESS_DENIED            5u
#define ERROR_INVALID_HANDLE           6u
#define ERROR_ARENA_TRASHED            7u
#define ERROR_NOT_ENOUGH_MEMORY        8u
#define ERROR_INVALID_BLOCK            9u
#define ERROR_BAD_FORMAT               11u
#define ERROR_INVALID_ACCESS           12u
#define ERROR_INVALID_DATA             13u
#define ERROR_OUTOFMEMORY              14u
#define ERROR_INVALID_DRIVE            15u
#define ERROR_CURRENT_DIRECTORY        16u
#define ERROR_NOT_SAME_DEVICE          17u
#define ERROR_NO_MORE_FILES            18u
#define ERROR_WRITE_PROTECT            19u
#define ERROR_NOT_READY                21u
#define ERROR_BAD_LENGTH               24u
#define ERROR_SEEK                     25u
#define ERROR_WRITE_FAULT              29u
#define ERROR_READ_FAULT               30u
#define ERROR_GEN_FAILURE              31u
#define ERROR_SHARING_VIOLATION        32u
#define ERROR_LOCK_VIOLATION           33u
#define ERROR_HANDLE_EOF               38u
#define ERROR_HANDLE_DISK_FULL         39u
#define ERROR_NOT_SUPPORTED            50u
#define ERROR_BAD_NETPATH              53u
#define ERROR_UNEXP_NET_ERR            59u
#define ERROR_FILE_EXISTS              80u
#define ERROR_CANNOT_MAKE              82u
#define ERROR_INVALID_PARAMETER        87u
#define ERROR_DRIVE_LOCKED             108u
#define ERROR_BROKEN_PIPE              109u
#define ERROR_OPEN_FAILED              110u
#define ERROR_BUFFER_OVERFLOW          111u
#define ERROR_DISK_FULL                112u
#define ERROR_CALL_NOT_IMPLEMENTED     120u
#define ERROR_INSUFFICIENT_BUFFER      122u
#define ERROR_INVALID_NAME             123u
#define ERROR_MOD_NOT_FOUND            126u
#define ERROR_PROC_NOT_FOUND           127u
#define ERROR_NEGATIVE_SEEK            131u
#define ERROR_SEEK_ON_DEVICE           132u
#define ERROR_DIR_NOT_EMPTY            145u
#define ERROR_LABEL_TOO_LONG           154u
#define ERROR_DISCARDED                157u
#define ERROR_NOT_LOCKED               158u
#define ERROR_BAD_PATHNAME             161u
#define ERROR_LOCK_FAILED              167u
#define ERROR_BUSY                     170u
#define ERROR_ALREADY_EXISTS           183u
#define ERROR_BAD_EXE_FORMAT           193u
#define ERROR_ENVVAR_NOT_FOUND         203u
#define ERROR_FILENAME_EXCED_RANGE     206u
#define ERROR_LOCKED                   212u
#define ERROR_FILE_TOO_LARGE           223u
#define ERROR_MORE_DATA                234u
#define ERROR_NO_WORK_DONE             235u
#define WAIT_TIMEOUT                   258u
#define ERROR_NO_MORE_ITEMS            259u
#define ERROR_DIRECTORY                267u
#define ERROR_NOT_OWNER                288u
#define ERROR_TOO_MANY_POSTS           298u
#define ERROR_PARTIAL_COPY             299u
#define ERROR_MR_MID_NOT_FOUND         317u
#define ERROR_INVALID_ADDRESS          487u
#define ERROR_ARITHMETIC_OVERFLOW      534u
#define ERROR_OPERATION_ABORTED        995u
#define ERROR_IO_INCOMPLETE            996u
#define ERROR_IO_PENDING               997u
#define ERROR_NOACCESS                 998u
#define ERROR_SWAPERROR                999u
#define ERROR_STACK_OVERFLOW           1001u
#define ERROR_INVALID_FLAGS            1004u
#define ERROR_UNRECOGNIZED_VOLUME      1005u
#define ERROR_FILE_INVALID             1006u
#define ERROR_NO_TOKEN                 1008u
#define ERROR_NO_UNICODE_TRANSLATION   1113u
#define ERROR_DLL_INIT_FAILED          1114u
#define ERROR_IO_DEVICE                1117u
#define ERROR_NOT_ENOUGH_SERVER_MEMORY 1130u
#define ERROR_POSSIBLE_DEADLOCK        1131u
#define ERROR_MAPPED_ALIGNMENT         1132u
#define ERROR_NOT_FOUND                1168u
#define ERROR_CANCELLED                1223u
#define ERROR_USER_MAPPED_FILE         1224u
#define ERROR_INVALID_OWNER            1307u
#define ERROR_PRIVILEGE_NOT_HELD       1314u
#define ERROR_INTERNAL_ERROR           1359u
#define ERROR_FILE_CORRUPT             1392u
#define ERROR_NO_SYSTEM_RESOURCES      1450u
#define ERROR_WORKING_SET_QUOTA        1453u
#define ERROR_COMMITMENT_LIMIT         1455u
#define ERROR_TIMEOUT                  1460u
#define ERROR_INVALID_USER_BUFFER      1784u
#define ERROR_NOT_ENOUGH_QUOTA         1816u

/* Results of the kind HRESULT: 0 and above is success. FACILITY_WIN32 carries the codes above. */
#define S_OK           ((HRESULT)0)
#define S_FALSE        ((HRESULT)1)
#define E_NOTIMPL      ((HRESULT)0x80004001u)
#define E_NOINTERFACE  ((HRESULT)0x80004002u)
#define E_POINTER      ((HRESULT)0x80004003u)
#define E_ABORT        ((HRESULT)0x80004004u)
#define E_FAIL         ((HRESULT)0x80004005u)
#define E_PENDING      ((HRESULT)0x8000000Au)
#define E_BOUNDS       ((HRESULT)0x8000000Bu)
#define E_UNEXPECTED   ((HRESULT)0x8000FFFFu)
#define E_ACCESSDENIED ((HRESULT)0x80070005u)
#define E_HANDLE       ((HRESULT)0x80070006u)
#define E_OUTOFMEMORY  ((HRESULT)0x8007000Eu)
#define E_INVALIDARG   ((HRESULT)0x80070057u)

#define SEVERITY_SUCCESS 0
#define SEVERITY_ERROR   1
#define FACILITY_NULL    0
#define FACILITY_ITF     4
#define FACILITY_WIN32   7
#define FACILITY_NT_BIT  0x10000000

#define SUCCEEDED(hr)        (((HRESULT)(hr)) >= 0)
#define FAILED(hr)           (((HRESULT)(hr)) < 0)
#define IS_ERROR(status)     ((ULONG)(status) >> 31 == SEVERITY_ERROR)
#define HRESULT_CODE(hr)     ((hr)&0xFFFF)
#define HRESULT_FACILITY(hr) (((hr) >> 16) & 0x1FFF)
#define HRESULT_SEVERITY(hr) (((hr) >> 31) & 1)
#define SCODE_CODE           HRESULT_CODE
#define SCODE_FACILITY       HRESULT_FACILITY
#define SCODE_SEVERITY       HRESULT_SEVERITY
#define MAKE_HRESULT(severity, facility, code)                                                     \
    ((HRESULT)((ULONG)(severity) << 31 | (ULONG)(facility) << 16 | (ULONG)(code)))
#define HRESULT_FROM_NT(status) ((HRESULT)((ULONG)(status) | FACILITY_NT_BIT))

/* 0 stays S_OK, and what is an HRESULT already stays as it is. */
#define __HRESULT_FROM_WIN32(code)                                                                 \
    ((HRESULT)(code) <= 0                                                                          \
         ? (HRESULT)(code)                                                                         \
         : (HRESULT)(((ULONG)(code)&0xFFFFu) | FACILITY_WIN32 << 16 | 0x80000000u))
#define HRESULT_FROM_WIN32(code) __HRESULT_FROM_WIN32(code)

#endif
