/* SPDX-License-Identifier: MIT */
/* winnt.h: the constants and structures that several of the API headers share. The structures have
 * the layout of 64-bit Windows; the assertions below hold them to it. */
#ifndef BARROW_WINNT_H
#define BARROW_WINNT_H

#include "minwindef.h"

#define NTAPI
#define NTSYSAPI
#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif
#define STDAPICALLTYPE
#define STDMETHODCALLTYPE
#define STDAPI EXTERN_C HRESULT

#define MINCHAR      0x80
#define MAXCHAR      0x7F
#define MINSHORT     0x8000
#define MAXSHORT     0x7FFF
#define MINLONG      0x80000000u
#define MAXLONG      0x7FFFFFFF
#define MAXBYTE      0xFF
#define MAXWORD      0xFFFF
#define MAXDWORD     0xFFFFFFFFu
#define MAXLONGLONG  INT64_MAX
#define MAXULONGLONG UINT64_MAX
#define MAXDWORD32   0xFFFFFFFFu
#define MAXDWORD64   UINT64_MAX
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL    ((CHAR)0)

#define ARRAYSIZE(array)            (sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF(array)        ARRAYSIZE(array)
#define RTL_FIELD_SIZE(type, field) sizeof(((type *)0)->field)
#define RTL_SIZEOF_THROUGH_FIELD(type, field)                                                      \
    (FIELD_OFFSET(type, field) + RTL_FIELD_SIZE(type, field))
#define FIELD_OFFSET(type, field)  ((LONG)offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((DWORD)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field)                                                    \
    ((type *)((PCHAR)(address) - (ULONG_PTR)offsetof(type, field)))

typedef BYTE FCHAR;
typedef PVOID *PPVOID;
typedef ULONG LCID, *PLCID, LOGICAL;
typedef WORD LANGID;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef struct _GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;
typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

#define LANG_NEUTRAL             0x00
#define LANG_ENGLISH             0x09
#define SUBLANG_NEUTRAL          0x00
#define SUBLANG_DEFAULT          0x01
#define SUBLANG_SYS_DEFAULT      0x02
#define SUBLANG_ENGLISH_US       0x01
#define MAKELANGID(primary, sub) ((WORD)((WORD)(sub) << 10 | (WORD)(primary)))
#define PRIMARYLANGID(language)  ((WORD)((language)&0x3FF))
#define SUBLANGID(language)      ((WORD)((WORD)(language) >> 10))

#define NT_SUCCESS(status)     ((NTSTATUS)(status) >= 0)
#define NT_INFORMATION(status) ((ULONG)(status) >> 30 == 1)
#define NT_WARNING(status)     ((ULONG)(status) >> 30 == 2)
#define NT_ERROR(status)       ((ULONG)(status) >> 30 == 3)

/* Page protection. One of the first eight, optionally with PAGE_GUARD, PAGE_NOCACHE or
 * PAGE_WRITECOMBINE. */
#define PAGE_NOACCESS          0x01u
#define PAGE_READONLY          0x02u
#define PAGE_READWRITE         0x04u
#define PAGE_WRITECOPY         0x08u
#define PAGE_EXECUTE           0x10u
#define PAGE_EXECUTE_READ      0x20u
#define PAGE_EXECUTE_READWRITE 0x40u
#define PAGE_EXECUTE_WRITECOPY 0x80u
#define PAGE_GUARD             0x100u
#define PAGE_NOCACHE           0x200u
#define PAGE_WRITECOMBINE      0x400u

/* Types of allocation and of freeing, and what VirtualQuery answers in State and Type. */
#define MEM_COALESCE_PLACEHOLDERS 0x00000001u
#define MEM_PRESERVE_PLACEHOLDER  0x00000002u
#define MEM_COMMIT                0x00001000u
#define MEM_RESERVE               0x00002000u
#define MEM_DECOMMIT              0x00004000u
#define MEM_REPLACE_PLACEHOLDER   0x00004000u
#define MEM_RELEASE               0x00008000u
#define MEM_FREE                  0x00010000u
#define MEM_PRIVATE               0x00020000u
#define MEM_MAPPED                0x00040000u
#define MEM_RESERVE_PLACEHOLDER   0x00040000u
#define MEM_RESET                 0x00080000u
#define MEM_TOP_DOWN              0x00100000u
#define MEM_WRITE_WATCH           0x00200000u
#define MEM_PHYSICAL              0x00400000u
#define MEM_RESET_UNDO            0x01000000u
#define MEM_IMAGE                 0x01000000u
#define MEM_LARGE_PAGES           0x20000000u

/* Kinds of file mapping. */
#define SEC_FILE         0x00800000u
#define SEC_IMAGE        0x01000000u
#define SEC_RESERVE      0x04000000u
#define SEC_COMMIT       0x08000000u
#define SEC_NOCACHE      0x10000000u
#define SEC_WRITECOMBINE 0x40000000u
#define SEC_LARGE_PAGES  0x80000000u

#define SECTION_QUERY       0x0001u
#define SECTION_MAP_WRITE   0x0002u
#define SECTION_MAP_READ    0x0004u
#define SECTION_MAP_EXECUTE 0x0008u
#define SECTION_EXTEND_SIZE 0x0010u
#define SECTION_ALL_ACCESS  0x000F001Fu

/* Access to and sharing of files. */
#define DELETE                   0x00010000u
#define SYNCHRONIZE              0x00100000u
#define MAXIMUM_ALLOWED          0x02000000u
#define GENERIC_ALL              0x10000000u
#define GENERIC_EXECUTE          0x20000000u
#define GENERIC_WRITE            0x40000000u
#define GENERIC_READ             0x80000000u
#define FILE_READ_DATA           0x0001u
#define FILE_WRITE_DATA          0x0002u
#define FILE_APPEND_DATA         0x0004u
#define FILE_READ_EA             0x0008u
#define FILE_WRITE_EA            0x0010u
#define FILE_EXECUTE             0x0020u
#define FILE_READ_ATTRIBUTES     0x0080u
#define FILE_WRITE_ATTRIBUTES    0x0100u
#define READ_CONTROL             0x00020000u
#define WRITE_DAC                0x00040000u
#define WRITE_OWNER              0x00080000u
#define STANDARD_RIGHTS_REQUIRED 0x000F0000u
#define STANDARD_RIGHTS_READ     READ_CONTROL
#define STANDARD_RIGHTS_WRITE    READ_CONTROL
#define STANDARD_RIGHTS_EXECUTE  READ_CONTROL
#define FILE_ALL_ACCESS          (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x1FFu)
#define FILE_GENERIC_READ                                                                          \
    (STANDARD_RIGHTS_READ | FILE_READ_DATA | FILE_READ_ATTRIBUTES | FILE_READ_EA | SYNCHRONIZE)
#define FILE_GENERIC_WRITE                                                                         \
    (STANDARD_RIGHTS_WRITE | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA |             \
     FILE_APPEND_DATA | SYNCHRONIZE)
#define FILE_GENERIC_EXECUTE                                                                       \
    (STANDARD_RIGHTS_EXECUTE | FILE_READ_ATTRIBUTES | FILE_EXECUTE | SYNCHRONIZE)

#define FILE_SHARE_READ   0x00000001u
#define FILE_SHARE_WRITE  0x00000002u
#define FILE_SHARE_DELETE 0x00000004u

#define FILE_ATTRIBUTE_READONLY            0x00000001u
#define FILE_ATTRIBUTE_HIDDEN              0x00000002u
#define FILE_ATTRIBUTE_SYSTEM              0x00000004u
#define FILE_ATTRIBUTE_DIRECTORY           0x00000010u
#define FILE_ATTRIBUTE_ARCHIVE             0x00000020u
#define FILE_ATTRIBUTE_NORMAL              0x00000080u
#define FILE_ATTRIBUTE_TEMPORARY           0x00000100u
#define FILE_ATTRIBUTE_DEVICE              0x00000040u
#define FILE_ATTRIBUTE_SPARSE_FILE         0x00000200u
#define FILE_ATTRIBUTE_REPARSE_POINT       0x00000400u
#define FILE_ATTRIBUTE_COMPRESSED          0x00000800u
#define FILE_ATTRIBUTE_OFFLINE             0x00001000u
#define FILE_ATTRIBUTE_NOT_CONTENT_INDEXED 0x00002000u
#define FILE_ATTRIBUTE_ENCRYPTED           0x00004000u

#define DUPLICATE_CLOSE_SOURCE 0x00000001u
#define DUPLICATE_SAME_ACCESS  0x00000002u

#define MEMORY_ALLOCATION_ALIGNMENT 16

/* Options of heaps and of the calls on them. HeapCreate takes HEAP_NO_SERIALIZE,
 * HEAP_GENERATE_EXCEPTIONS and HEAP_CREATE_ENABLE_EXECUTE; the rest of HEAP_CREATE_ and the
 * debugging flags are accepted there and have no effect. */
#define HEAP_NO_SERIALIZE              0x00000001u
#define HEAP_GROWABLE                  0x00000002u
#define HEAP_GENERATE_EXCEPTIONS       0x00000004u
#define HEAP_ZERO_MEMORY               0x00000008u
#define HEAP_REALLOC_IN_PLACE_ONLY     0x00000010u
#define HEAP_TAIL_CHECKING_ENABLED     0x00000020u
#define HEAP_FREE_CHECKING_ENABLED     0x00000040u
#define HEAP_DISABLE_COALESCE_ON_FREE  0x00000080u
#define HEAP_CREATE_SEGMENT_HEAP       0x00000100u
#define HEAP_CREATE_HARDENED           0x00000200u
#define HEAP_CREATE_ALIGN_16           0x00010000u
#define HEAP_CREATE_ENABLE_TRACING     0x00020000u
#define HEAP_CREATE_ENABLE_EXECUTE     0x00040000u
#define HEAP_MAXIMUM_TAG               0x0FFFu
#define HEAP_PSEUDO_TAG_FLAG           0x8000u
#define HEAP_TAG_SHIFT                 18
#define HEAP_MAKE_TAG_FLAGS(base, tag) ((DWORD)((base) + ((DWORD)(tag) << HEAP_TAG_SHIFT)))

/* Codes of exceptions; minwinbase.h has them as EXCEPTION_ too. */
#define STATUS_SUCCESS                  ((NTSTATUS)0)
#define STATUS_WAIT_0                   ((DWORD)0)
#define STATUS_PENDING                  ((DWORD)0x103u)
#define STATUS_GUARD_PAGE_VIOLATION     ((DWORD)0x80000001u)
#define STATUS_DATATYPE_MISALIGNMENT    ((DWORD)0x80000002u)
#define STATUS_BREAKPOINT               ((DWORD)0x80000003u)
#define STATUS_SINGLE_STEP              ((DWORD)0x80000004u)
#define STATUS_ACCESS_VIOLATION         ((DWORD)0xC0000005u)
#define STATUS_IN_PAGE_ERROR            ((DWORD)0xC0000006u)
#define STATUS_INVALID_HANDLE           ((DWORD)0xC0000008u)
#define STATUS_INVALID_PARAMETER        ((DWORD)0xC000000Du)
#define STATUS_END_OF_FILE              ((DWORD)0xC0000011u)
#define STATUS_NO_MEMORY                ((DWORD)0xC0000017u)
#define STATUS_ILLEGAL_INSTRUCTION      ((DWORD)0xC000001Du)
#define STATUS_NONCONTINUABLE_EXCEPTION ((DWORD)0xC0000025u)
#define STATUS_INVALID_DISPOSITION      ((DWORD)0xC0000026u)
#define STATUS_ARRAY_BOUNDS_EXCEEDED    ((DWORD)0xC000008Cu)
#define STATUS_FLOAT_DENORMAL_OPERAND   ((DWORD)0xC000008Du)
#define STATUS_FLOAT_DIVIDE_BY_ZERO     ((DWORD)0xC000008Eu)
#define STATUS_FLOAT_INEXACT_RESULT     ((DWORD)0xC000008Fu)
#define STATUS_FLOAT_INVALID_OPERATION  ((DWORD)0xC0000090u)
#define STATUS_FLOAT_OVERFLOW           ((DWORD)0xC0000091u)
#define STATUS_FLOAT_STACK_CHECK        ((DWORD)0xC0000092u)
#define STATUS_FLOAT_UNDERFLOW          ((DWORD)0xC0000093u)
#define STATUS_INTEGER_DIVIDE_BY_ZERO   ((DWORD)0xC0000094u)
#define STATUS_INTEGER_OVERFLOW         ((DWORD)0xC0000095u)
#define STATUS_PRIVILEGED_INSTRUCTION   ((DWORD)0xC0000096u)
#define STATUS_STACK_OVERFLOW           ((DWORD)0xC00000FDu)
#define STATUS_CONTROL_C_EXIT           ((DWORD)0xC000013Au)
#define STATUS_RESOURCE_NOT_OWNED       ((DWORD)0xC0000264u)
#define STATUS_POSSIBLE_DEADLOCK        ((DWORD)0xC0000194u)

#define EXCEPTION_NONCONTINUABLE     0x1u
#define EXCEPTION_MAXIMUM_PARAMETERS 15

typedef struct _EXCEPTION_RECORD {
    DWORD ExceptionCode;
    DWORD ExceptionFlags; /* 0 or EXCEPTION_NONCONTINUABLE */
    struct _EXCEPTION_RECORD
        *ExceptionRecord; /* the exception during which this one was raised, or NULL */
    PVOID ExceptionAddress;
    DWORD NumberParameters;
    ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

/* Registers where the exception was raised: after a fault all of these, and going on takes them
 * from here; after RaiseException the instruction and the stack pointer alone, for reading. */
typedef struct _CONTEXT {
    DWORD ContextFlags;
#if defined(__aarch64__)
    DWORD Cpsr;
    __extension__ union {
        __extension__ struct {
            DWORD64 X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17,
                X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, Fp, Lr;
        };
        DWORD64 X[31];
    };
    DWORD64 Sp, Pc;
#else
    DWORD EFlags;
    DWORD64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15, Rip;
#endif
} CONTEXT, *PCONTEXT, *LPCONTEXT;

#if defined(__aarch64__)
#define CONTEXT_CONTROL 0x00400001u
#define CONTEXT_INTEGER 0x00400002u
#else
#define CONTEXT_CONTROL 0x00100001u
#define CONTEXT_INTEGER 0x00100002u
#endif

typedef struct _EXCEPTION_POINTERS {
    PEXCEPTION_RECORD ExceptionRecord;
    PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS, *LPEXCEPTION_POINTERS;

typedef LONG(CALLBACK *PVECTORED_EXCEPTION_HANDLER)(PEXCEPTION_POINTERS pointers);

typedef struct _MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress;       /* the address asked about, rounded down to a page */
    PVOID AllocationBase;    /* start of the reservation or view, NULL when free */
    DWORD AllocationProtect; /* protection it was reserved or mapped with */
    WORD PartitionId;        /* always 0 */
    SIZE_T RegionSize;       /* bytes from BaseAddress on that are alike */
    DWORD State;             /* MEM_COMMIT, MEM_RESERVE or MEM_FREE */
    DWORD Protect;           /* of the pages; 0 when reserved, PAGE_NOACCESS when free */
    DWORD Type;              /* MEM_PRIVATE, MEM_MAPPED, MEM_IMAGE; 0 when free */
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

/* Extended parameters of VirtualAlloc2 and MapViewOfFile3. */
typedef enum MEM_EXTENDED_PARAMETER_TYPE {
    MemExtendedParameterInvalidType = 0,
    MemExtendedParameterAddressRequirements,
    MemExtendedParameterNumaNode,
    MemExtendedParameterPartitionHandle,
    MemExtendedParameterUserPhysicalHandle,
    MemExtendedParameterAttributeFlags,
    MemExtendedParameterImageMachine,
    MemExtendedParameterMax
} MEM_EXTENDED_PARAMETER_TYPE;

typedef struct _MEM_ADDRESS_REQUIREMENTS {
    PVOID LowestStartingAddress; /* NULL: no bound; a multiple of 64 KiB */
    PVOID
    HighestEndingAddress; /* NULL: no bound; last byte allowed, a multiple of 64 KiB less one */
    SIZE_T Alignment;     /* 0: 64 KiB; a power of two of at least 64 KiB */
} MEM_ADDRESS_REQUIREMENTS, *PMEM_ADDRESS_REQUIREMENTS;

typedef struct MEM_EXTENDED_PARAMETER {
    __extension__ struct {
        DWORD64 Type : 8;
        DWORD64 Reserved : 56;
    };
    __extension__ union {
        DWORD64 ULong64;
        PVOID Pointer;
        SIZE_T Size;
        HANDLE Handle;
        DWORD ULong;
    };
} MEM_EXTENDED_PARAMETER, *PMEM_EXTENDED_PARAMETER;

/* What HeapSetInformation and HeapQueryInformation are about. */
typedef enum _HEAP_INFORMATION_CLASS {
    HeapCompatibilityInformation = 0,      /* a ULONG: 0 standard, 2 low-fragmentation */
    HeapEnableTerminationOnCorruption = 1, /* no data */
    HeapOptimizeResources = 3              /* HEAP_OPTIMIZE_RESOURCES_INFORMATION */
} HEAP_INFORMATION_CLASS;

#define HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION 1u

typedef struct _HEAP_OPTIMIZE_RESOURCES_INFORMATION {
    DWORD Version; /* HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION */
    DWORD Flags;   /* 0 */
} HEAP_OPTIMIZE_RESOURCES_INFORMATION, *PHEAP_OPTIMIZE_RESOURCES_INFORMATION;

#ifdef __cplusplus
#define BARROW_LAYOUT(condition) static_assert(condition, #condition)
#else
#define BARROW_LAYOUT(condition) _Static_assert(condition, #condition)
#endif
#define C_ASSERT(condition) BARROW_LAYOUT(condition)

#if UINTPTR_MAX == UINT64_MAX
BARROW_LAYOUT(sizeof(MEMORY_BASIC_INFORMATION) == 48);
BARROW_LAYOUT(offsetof(MEMORY_BASIC_INFORMATION, AllocationProtect) == 16);
BARROW_LAYOUT(offsetof(MEMORY_BASIC_INFORMATION, RegionSize) == 24);
BARROW_LAYOUT(offsetof(MEMORY_BASIC_INFORMATION, Type) == 40);
BARROW_LAYOUT(sizeof(MEM_EXTENDED_PARAMETER) == 16);
BARROW_LAYOUT(sizeof(EXCEPTION_RECORD) == 152);
BARROW_LAYOUT(offsetof(EXCEPTION_RECORD, ExceptionInformation) == 32);
#endif
BARROW_LAYOUT(sizeof(WCHAR) == 2 && sizeof(DWORD) == 4 && sizeof(LONG) == 4 && sizeof(BOOL) == 4);

/* Memory, by the names that Windows sources use; the arguments are those of memcpy and memset, but
 * for FillMemory's order. */
#define RtlCopyMemory(to, from, n)  __builtin_memcpy((to), (from), (n))
#define RtlMoveMemory(to, from, n)  __builtin_memmove((to), (from), (n))
#define RtlFillMemory(to, n, value) __builtin_memset((to), (value), (n))
#define RtlZeroMemory(to, n)        __builtin_memset((to), 0, (n))
#define RtlEqualMemory(a, b, n)     (__builtin_memcmp((a), (b), (n)) == 0)

/* Clears memory even where the compiler sees that nobody reads it afterwards. */
static inline PVOID RtlSecureZeroMemory(PVOID memory, SIZE_T bytes)
{
    __builtin_memset(memory, 0, bytes);
    __asm__ volatile("" : : "r"(memory) : "memory");
    return memory;
}

/* Barriers and pauses for loops that wait. */
#define MemoryBarrier()     __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define _ReadWriteBarrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _ReadBarrier()      __atomic_signal_fence(__ATOMIC_ACQUIRE)
#define _WriteBarrier()     __atomic_signal_fence(__ATOMIC_RELEASE)
#if defined(__x86_64__)
#define YieldProcessor() __builtin_ia32_pause()
#else
#define YieldProcessor() __asm__ volatile("yield")
#endif

#endif
