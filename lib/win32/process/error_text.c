/* SPDX-License-Identifier: MIT */
/* error_text.c: the texts of the errors, in the order of their numbers. */
#include "win32/process/error_text.h"

#include "barrow/winerror.h"

#include <stddef.h>

struct error_text {
    DWORD code;
    const char *text;
};

static const struct error_text texts[] = {
    { ERROR_SUCCESS, "The operation was successful." },
    { ERROR_INVALID_FUNCTION, "The function is not valid here." },
    { ERROR_FILE_NOT_FOUND, "The system cannot find the file." },
    { ERROR_PATH_NOT_FOUND, "The system cannot find the path." },
    { ERROR_TOO_MANY_OPEN_FILES, "Too many files are open." },
    { ERROR_ACCESS_DENIED, "Access is denied." },
    { ERROR_INVALID_HANDLE, "The handle is invalid." },
    { ERROR_ARENA_TRASHED, "The memory's control blocks are damaged." },
    { ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory for this operation." },
    { ERROR_INVALID_BLOCK, "The address of a memory block is invalid." },
    { ERROR_BAD_FORMAT, "The program has a wrong format." },
    { ERROR_INVALID_ACCESS, "The access code is invalid." },
    { ERROR_INVALID_DATA, "The data is invalid." },
    { ERROR_OUTOFMEMORY, "The system is out of memory." },
    { ERROR_INVALID_DRIVE, "The system cannot find the drive." },
    { ERROR_CURRENT_DIRECTORY, "The current directory cannot be removed." },
    { ERROR_NOT_SAME_DEVICE, "The file cannot be moved to another file system." },
    { ERROR_NO_MORE_FILES, "There are no more files." },
    { ERROR_WRITE_PROTECT, "The medium is write-protected." },
    { ERROR_NOT_READY, "The device is not ready." },
    { ERROR_BAD_LENGTH, "The length is wrong for this operation." },
    { ERROR_SEEK, "The position cannot be found on the device." },
    { ERROR_WRITE_FAULT, "The system cannot write to the device." },
    { ERROR_READ_FAULT, "The system cannot read from the device." },
    { ERROR_GEN_FAILURE, "The operation failed." },
    { ERROR_SHARING_VIOLATION,
      "The file is in use by another process in a way that does not allow this access." },
    { ERROR_LOCK_VIOLATION, "Another process has locked a part of the file." },
    { ERROR_HANDLE_EOF, "The end of the file has been reached." },
    { ERROR_HANDLE_DISK_FULL, "The disk is full." },
    { ERROR_NOT_SUPPORTED, "The request is not supported." },
    { ERROR_BAD_NETPATH, "The network path was not found." },
    { ERROR_UNEXP_NET_ERR, "An unexpected network error occurred." },
    { ERROR_FILE_EXISTS, "The file exists already." },
    { ERROR_CANNOT_MAKE, "The file or directory cannot be created." },
    { ERROR_INVALID_PARAMETER, "A parameter is wrong." },
    { ERROR_DRIVE_LOCKED, "The disk is in use or locked by another process." },
    { ERROR_BROKEN_PIPE, "The other end of the pipe is closed." },
    { ERROR_OPEN_FAILED, "The system cannot open the device or file." },
    { ERROR_BUFFER_OVERFLOW, "The file name is too long." },
    { ERROR_DISK_FULL, "There is not enough space on the disk." },
    { ERROR_CALL_NOT_IMPLEMENTED, "The function is not implemented." },
    { ERROR_INSUFFICIENT_BUFFER, "The buffer is too small for the result." },
    { ERROR_INVALID_NAME, "The syntax of the name is wrong." },
    { ERROR_MOD_NOT_FOUND, "The module was not found." },
    { ERROR_PROC_NOT_FOUND, "The procedure was not found." },
    { ERROR_NEGATIVE_SEEK, "The position would be before the start of the file." },
    { ERROR_SEEK_ON_DEVICE, "The device has no position to set." },
    { ERROR_DIR_NOT_EMPTY, "The directory is not empty." },
    { ERROR_LABEL_TOO_LONG, "The label is too long." },
    { ERROR_DISCARDED, "The segment has been discarded." },
    { ERROR_NOT_LOCKED, "The segment is not locked." },
    { ERROR_BAD_PATHNAME, "The path is invalid." },
    { ERROR_LOCK_FAILED, "A region of the file cannot be locked." },
    { ERROR_BUSY, "The resource is in use." },
    { ERROR_ALREADY_EXISTS, "The object or file exists already." },
    { ERROR_BAD_EXE_FORMAT, "The file is not a valid image." },
    { ERROR_ENVVAR_NOT_FOUND, "The environment variable was not found." },
    { ERROR_FILENAME_EXCED_RANGE, "The file name or extension is too long." },
    { ERROR_LOCKED, "The segment is locked." },
    { ERROR_FILE_TOO_LARGE, "The file is too large." },
    { ERROR_MORE_DATA, "There is more data." },
    { ERROR_NO_WORK_DONE, "There was nothing to do." },
    { WAIT_TIMEOUT, "The wait timed out." },
    { ERROR_NO_MORE_ITEMS, "There is no more data." },
    { ERROR_DIRECTORY, "The directory name is invalid." },
    { ERROR_NOT_OWNER, "The caller does not own the lock." },
    { ERROR_TOO_MANY_POSTS, "Too many posts were made to a semaphore." },
    { ERROR_PARTIAL_COPY, "Only a part of the memory was read or written." },
    { ERROR_MR_MID_NOT_FOUND, "There is no text for the message." },
    { ERROR_INVALID_ADDRESS, "The address is invalid." },
    { ERROR_ARITHMETIC_OVERFLOW, "The result of an arithmetic operation does not fit." },
    { ERROR_OPERATION_ABORTED, "The operation was aborted." },
    { ERROR_IO_INCOMPLETE, "The overlapped operation has not ended." },
    { ERROR_IO_PENDING, "The overlapped operation is in progress." },
    { ERROR_NOACCESS, "The memory location cannot be accessed." },
    { ERROR_SWAPERROR, "A paging operation failed." },
    { ERROR_STACK_OVERFLOW, "The stack is exhausted." },
    { ERROR_INVALID_FLAGS, "The flags are invalid." },
    { ERROR_UNRECOGNIZED_VOLUME, "The volume has no file system that is known." },
    { ERROR_FILE_INVALID,
      "The file was changed from outside, so it is no longer valid, or it is empty." },
    { ERROR_NO_TOKEN, "The token does not exist." },
    { ERROR_NO_UNICODE_TRANSLATION, "A character has no counterpart in the target code page." },
    { ERROR_DLL_INIT_FAILED, "The initialisation of a module failed." },
    { ERROR_IO_DEVICE, "The device reported an input or output error." },
    { ERROR_NOT_ENOUGH_SERVER_MEMORY, "The server does not have enough memory." },
    { ERROR_POSSIBLE_DEADLOCK, "A deadlock is possible." },
    { ERROR_MAPPED_ALIGNMENT, "The address or offset does not have the required alignment." },
    { ERROR_NOT_FOUND, "The element was not found." },
    { ERROR_CANCELLED, "The operation was cancelled by the user." },
    { ERROR_USER_MAPPED_FILE, "The operation is not possible while a part of the file is mapped." },
    { ERROR_INVALID_OWNER, "The owner is invalid." },
    { ERROR_PRIVILEGE_NOT_HELD, "The process does not have a privilege that is needed." },
    { ERROR_INTERNAL_ERROR, "An internal error occurred." },
    { ERROR_FILE_CORRUPT, "The file or directory is damaged." },
    { ERROR_NO_SYSTEM_RESOURCES, "The system does not have the resources for this operation." },
    { ERROR_WORKING_SET_QUOTA, "The working set is too small for this operation." },
    { ERROR_COMMITMENT_LIMIT, "The limit on committed memory is too small for this operation." },
    { ERROR_TIMEOUT, "The time limit has passed." },
    { ERROR_INVALID_USER_BUFFER, "The buffer that was given is not valid." },
    { ERROR_NOT_ENOUGH_QUOTA, "The quota is too small for this operation." },
};

/* The code inside an HRESULT of FACILITY_WIN32; any other value is a code itself. */
static DWORD plain_code(DWORD code)
{
    return code >> 16 == 0x8007u ? code & 0xFFFFu : code;
}

const char *error_text(DWORD code)
{
    size_t low = 0, high = sizeof(texts) / sizeof(texts[0]);
    code = plain_code(code);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (texts[middle].code == code)
            return texts[middle].text;
        if (texts[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
