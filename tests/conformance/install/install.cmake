# SPDX-License-Identifier: MIT
# Runs one case. What the cases share: prefix, scratch, and run(), which shows a command and stops if
# it fails.
set(here ${CMAKE_CURRENT_LIST_DIR})
set(prefix ${WORK}/prefix)
set(scratch ${WORK}/${CASE})

function(run)
  list(JOIN ARGN " " shown)
  message("+ ${shown}")
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${scratch})
file(MAKE_DIRECTORY ${scratch})
include(${here}/${CASE}.cmake)
