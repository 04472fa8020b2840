# SPDX-License-Identifier: MIT
# The installed command finds the installed library, also after the prefix has moved.
function(check_command root)
  set(command ${CMAKE_COMMAND} -E env --unset=BARROW_LIBRARY ${root}/${BINDIR}/barrow run --stats)
  message("+ ${root}/${BINDIR}/barrow")
  execute_process(COMMAND ${command} -- bash -c "echo $LD_PRELOAD; exec ls -d /"
    OUTPUT_VARIABLE out ERROR_VARIABLE err COMMAND_ERROR_IS_FATAL ANY)
  if(NOT out STREQUAL "${root}/${LIBDIR}/libbarrow.so.${VERSION}\n/\n")
    message(FATAL_ERROR "output: ${out}")
  endif()
  if(NOT err MATCHES "the heap of ls, process" OR NOT err MATCHES "page faults")
    message(FATAL_ERROR "account: ${err}")
  endif()
endfunction()

file(REAL_PATH ${prefix} prefix)
check_command(${prefix})
run(cp -a ${prefix} ${scratch}/moved)
file(REAL_PATH ${scratch}/moved moved)
check_command(${moved})

# A copy that was built without the benchmarks still says what they are.
if(NOT EXISTS ${prefix}/libexec/barrow/bench/driver.py)
  execute_process(COMMAND ${prefix}/${BINDIR}/barrow bench --help
    OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
  if(NOT out MATCHES "BARROW_BUILD_BENCH=ON")
    message(FATAL_ERROR "barrow bench --help: ${out}")
  endif()
  execute_process(COMMAND ${prefix}/${BINDIR}/barrow bench RESULT_VARIABLE status ERROR_QUIET)
  if(NOT status EQUAL 125)
    message(FATAL_ERROR "barrow bench without a driver: ${status}")
  endif()
endif()
