# SPDX-License-Identifier: MIT
# LIBRARY loads the system and a C run-time and nothing else: no DLL that comes with the compiler.
execute_process(COMMAND ${OBJDUMP} -p ${LIBRARY} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "DLL Name: [^\n]+" needed "${headers}")
list(TRANSFORM needed REPLACE "DLL Name: " "")
list(TRANSFORM needed TOLOWER)
message("${LIBRARY} needs ${needed}")
if(NOT needed)
  message(FATAL_ERROR "no imports in\n${headers}")
endif()
list(FILTER needed EXCLUDE REGEX "^(kernel32|ntdll|msvcrt|ucrtbase|api-ms-win-crt-.*)\\.dll$")
if(needed)
  message(FATAL_ERROR "needs also ${needed}")
endif()
