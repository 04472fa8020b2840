# SPDX-License-Identifier: MIT
# LIBRARY shows the program barrow_* and, when OVERRIDE is on, the whole malloc family and the C++
# operators; no more and no less. NM is nm of the target.
set(family malloc calloc realloc reallocarray free free_sized free_aligned_sized cfree
  posix_memalign aligned_alloc memalign memalignment valloc pvalloc malloc_usable_size
  malloc_trim mallopt mallinfo mallinfo2 malloc_stats malloc_info)
# operator new and new[], plain and nothrow, with and without an alignment; operator delete and
# delete[], plain, sized and nothrow, with and without an alignment.
foreach(new _Znwm _Znam)
  list(APPEND operators ${new} ${new}RKSt9nothrow_t
    ${new}St11align_val_t ${new}St11align_val_tRKSt9nothrow_t)
endforeach()
foreach(delete _ZdlPv _ZdaPv)
  list(APPEND operators ${delete} ${delete}m ${delete}RKSt9nothrow_t
    ${delete}St11align_val_t ${delete}mSt11align_val_t ${delete}St11align_val_tRKSt9nothrow_t)
endforeach()

if(LIBRARY MATCHES "\\.dll$")
  # the table of names: "    [   0] name"
  execute_process(COMMAND ${OBJDUMP} -p ${LIBRARY} OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ".*Ordinal/Name Pointer. Table\n" "" lines "${lines}")
  string(REGEX REPLACE "\n\n.*" "" lines "${lines}")
  string(REGEX REPLACE "[ \t]*\\[ *[0-9]+\\] ([^\n]+)" "\\1 T" lines "${lines}")
else()
  set(dynamic)
  if(LIBRARY MATCHES "\\.so")
    set(dynamic -D)
  endif()
  execute_process(COMMAND ${NM} ${dynamic} --defined-only --extern-only --format=posix ${LIBRARY}
    OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
endif()
string(REGEX MATCHALL "[^\n]+" lines "${lines}")
foreach(line IN LISTS lines)
  if(line MATCHES "^([^ ]+) [A-Za-z]( |$)")
    list(APPEND exported ${CMAKE_MATCH_1})
  endif()
endforeach()
# Where the library has symbol versions: our own names have one, the C library's and C++'s none, for a program
# that refers to malloc@GLIBC_2.2.5 would pass over malloc@@BARROW_0.1.
if(exported MATCHES "@@BARROW_")
  set(wrong ${exported})
  list(FILTER wrong EXCLUDE REGEX "^barrow_[A-Za-z0-9_]+@@BARROW_[0-9]+\\.[0-9]+$|^BARROW_[0-9.]+(@@BARROW_[0-9.]+)?$|^[^@]+$")
  set(unversioned ${exported})
  list(FILTER unversioned INCLUDE REGEX "^barrow_[^@]*$")
  if(wrong OR unversioned)
    message(FATAL_ERROR "with a wrong version: ${wrong}\nwithout one: ${unversioned}")
  endif()
  # the versions themselves, as GNU's nm and as LLVM's shows them
  list(FILTER exported EXCLUDE REGEX "^BARROW_[0-9.]+(@@BARROW_[0-9.]+)?$")
  list(TRANSFORM exported REPLACE "@@.*" "")
elseif(VERSIONED)
  message(FATAL_ERROR "no symbol versions")
endif()
list(LENGTH exported count)
message("${LIBRARY}: ${count} names")

set(expected barrow_version barrow_stats_get barrow_malloc barrow_free)
if(OVERRIDE)
  if(NOT LIBRARY MATCHES "\\.so")
    list(FILTER operators EXCLUDE REGEX "^_Zn.*nothrow_t$") # the C++ library's, see lib/CMakeLists.txt
  endif()
  list(APPEND expected ${family} ${operators})
  if(LIBRARY MATCHES "\\.so")
    execute_process(COMMAND ${OBJDUMP} -p ${LIBRARY} OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
    if(needed MATCHES "NEEDED +libc\\.so\\.6") # glibc
      list(APPEND expected dlopen dlmopen)
      foreach(name malloc calloc realloc memalign valloc pvalloc free)
        list(APPEND expected __libc_${name})
      endforeach()
    endif()
  endif()
endif()
set(missing ${expected})
list(REMOVE_ITEM missing ${exported})
set(surplus ${exported})
list(REMOVE_ITEM surplus ${expected})
list(FILTER surplus EXCLUDE REGEX "^barrow_")
# musl's start files, not ours: every library has them.
list(REMOVE_ITEM surplus _init _fini)
if(missing OR surplus)
  message(FATAL_ERROR "missing: ${missing}\nnot to be exported: ${surplus}")
endif()
