# SPDX-License-Identifier: MIT
# The example in SOURCE stands in README, from its first #include on and indented by four, and PROGRAM,
# which it was compiled to, writes EXPECTED.
file(READ ${README} readme)
file(READ ${SOURCE} source)
string(FIND "${source}" "#include" start)
string(SUBSTRING "${source}" ${start} -1 example)
string(REPLACE "\n" "\n    " example "    ${example}")
string(REGEX REPLACE "\n +\n" "\n\n" example "${example}")
string(STRIP "${example}" example)
string(FIND "${readme}" "${example}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${README} has not the example of ${SOURCE}:\n${example}")
endif()
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
string(STRIP "${output}" output)
if(NOT output STREQUAL EXPECTED)
  message(FATAL_ERROR "${PROGRAM} wrote:\n${output}")
endif()
