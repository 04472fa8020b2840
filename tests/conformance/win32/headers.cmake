# SPDX-License-Identifier: MIT
# Each header of the folder win32 compiles alone, in C and, with CXX, in C++, before and after the
# others; and names that differ only in case have the same contents, so that a file system that does
# not tell them apart keeps all that there is.
file(GLOB headers RELATIVE ${FOLDER} ${FOLDER}/*)
list(LENGTH headers count)
if(count LESS 100)
  message(FATAL_ERROR "only ${count} headers in ${FOLDER}")
endif()

set(all)
foreach(header IN LISTS headers)
  string(TOLOWER ${header} lower)
  if(header STREQUAL lower)
    list(APPEND all ${header})
    string(APPEND includes "#include <${header}>\n")
  endif()
  file(SHA256 ${FOLDER}/${header} hash)
  file(SHA256 ${FOLDER}/${lower} hash_of_lower)
  if(NOT hash STREQUAL hash_of_lower)
    message(FATAL_ERROR "${header} and ${lower} differ")
  endif()
endforeach()

# The names and spellings that Windows sources use.
foreach(wanted Windows.h WINDOWS.H windows.h winnt.h WinNT.h WinBase.h winbase.h Windef.h WinError.h
    memoryapi.h MemoryApi.h Memoryapi.h fileapi.h FileAPI.h handleapi.h heapapi.h HeapApi.h synchapi.h
    malloc.h Malloc.h MALLOC.H strsafe.h StrSafe.h Strsafe.h tchar.h TCHAR.H TChar.h psapi.h Psapi.h
    interlockedapi.h processthreadsapi.h sysinfoapi.h errhandlingapi.h basetsd.h BaseTsd.h sal.h)
  list(FIND headers ${wanted} found)
  if(found EQUAL -1)
    message(FATAL_ERROR "no ${wanted}")
  endif()
endforeach()

function(compile compiler language text)
  file(WRITE ${WORK} "${text}")
  execute_process(COMMAND ${compiler} -x ${language} -Wall -Wextra -Werror -fsyntax-only
    -I ${FOLDER} ${ARGN} ${WORK} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(header IN LISTS all)
  set(text "#include <${header}>\nint main(void) { return 0; }\n")
  compile(${CC} c "${text}")
  if(CXX)
    compile(${CXX} c++ "${text}")
  endif()
endforeach()
foreach(unicode "" -DUNICODE)
  compile(${CC} c "${includes}int main(void) { return 0; }\n" ${unicode})
  if(CXX)
    compile(${CXX} c++ "#include <string>\n${includes}#include <vector>\nint main() { return 0; }\n" ${unicode})
  endif()
endforeach()
