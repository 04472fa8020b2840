# SPDX-License-Identifier: MIT
# pkg-config's answers for the shared and the static library.
set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)

function(ask_for package out)
  execute_process(COMMAND ${PKG_CONFIG} ${ARGN} ${package}
    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  message("pkg-config ${ARGN} ${package}: ${answer}")
  separate_arguments(answer UNIX_COMMAND "${answer}")
  set(${out} ${answer} PARENT_SCOPE)
endfunction()

function(ask out)
  ask_for(barrow answer ${ARGN})
  set(${out} ${answer} PARENT_SCOPE)
endfunction()

ask(version --modversion)
if(NOT version STREQUAL VERSION)
  message(FATAL_ERROR "barrow.pc has version ${version}, not ${VERSION}")
endif()
ask(flags --cflags --libs)
run(${CC} ${here}/consumer.c -o ${scratch}/shared ${flags} -Wl,-rpath,${prefix}/${LIBDIR})
run(${scratch}/shared)
ask(flags --static --cflags --libs)
run(${CC} -static ${here}/consumer.c -o ${scratch}/static ${flags})
run(${scratch}/static)
ask_for(barrow-win32 flags --cflags --libs)
run(${CC} ${here}/porter.c -o ${scratch}/porter ${flags} -Wl,-rpath,${prefix}/${LIBDIR})
run(${scratch}/porter)
