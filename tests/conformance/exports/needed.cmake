# SPDX-License-Identifier: MIT
# LIBRARY loads the C library and nothing else (libstdc++ least of all), is bound when it is loaded,
# cannot be unloaded, and has the soname that programs are linked to.
execute_process(COMMAND ${READELF} --dynamic --wide ${LIBRARY}
  OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "Shared library: \\[[^]\n]+" needed "${dynamic}")
list(TRANSFORM needed REPLACE ".*\\[" "")
message("${LIBRARY} needs ${needed}")
list(FILTER needed EXCLUDE REGEX "^(libc\\.so(\\.6)?|ld-linux-.*)$")
if(needed)
  message(FATAL_ERROR "needs also ${needed}")
endif()
foreach(entry "soname: \\[libbarrow\\.so\\.0\\]" "NODELETE" "BIND_NOW|Flags: NOW")
  if(NOT dynamic MATCHES "${entry}")
    message(FATAL_ERROR "no ${entry} in\n${dynamic}")
  endif()
endforeach()
