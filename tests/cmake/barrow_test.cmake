# SPDX-License-Identifier: MIT
# How tests are built and registered.
#
#   barrow_test(<kind> <name> SOURCES a.c ... [LIBS ...] [PRELOAD] [INTERNAL] [SERIAL] [ARGS ...]
#               [TIMEOUT seconds] [LABELS ...] [ENVIRONMENT NAME=value ...])
#     A program, by default linked with libbarrow.so and cmocka. INTERNAL: linked with the library's
#     own objects, so that hidden functions can be called. PRELOAD: not linked, but run with the
#     library preloaded. SERIAL: nothing else runs beside it.
#
#   barrow_script_test(<kind> <name> COMMAND ... [SERIAL] [TIMEOUT seconds] [LABELS ...]
#                      [ENVIRONMENT NAME=value ...])
#     A command; $BARROW_LIBRARY is the path of libbarrow.so.
#
# The test is called <kind>.<name> and carries the label <kind>.

set(all_kinds unit conformance preload stress fuzz docs)
# A sanitizer's malloc or a foreign processor cannot take part in other programs' processes.
if(NOT BARROW_OVERRIDE_MALLOC OR CMAKE_CROSSCOMPILING)
  list(REMOVE_ITEM all_kinds preload docs)
endif()
set(BARROW_TEST_KINDS "${all_kinds}" CACHE STRING "Kinds of tests to build, of: ${all_kinds}")
set(BARROW_TEST_PREFIX "" CACHE STRING "Put before each test's name, to tell builds apart")
set(BARROW_TEST_LAUNCHER "" CACHE STRING "Command that runs each compiled test, such as valgrind")
set(BARROW_TEST_TIMEOUT_SCALE 1 CACHE STRING "Factor for the tests' time limits")
set(BARROW_TEST_CMOCKA "system" CACHE STRING "system (where cmocka is installed), or bundled")

# ThreadSanitizer of gcc 12 and clang 14 gives up when the kernel spreads mappings wider than it knows
# (vm.mmap_rnd_bits above 28), which a sandbox may forbid to switch off.
set(launcher ${BARROW_TEST_LAUNCHER})
if(BARROW_SANITIZE MATCHES "thread" AND NOT launcher)
  execute_process(COMMAND setarch -R true RESULT_VARIABLE refused OUTPUT_QUIET ERROR_QUIET)
  if(NOT refused)
    set(launcher setarch -R)
  endif()
endif()
list(APPEND launcher ${CMAKE_CROSSCOMPILING_EMULATOR})

add_library(barrow_cmocka INTERFACE)
if(NOT BARROW_TEST_CMOCKA STREQUAL "bundled")
  find_path(CMOCKA_INCLUDE_DIR cmocka.h)
  find_library(CMOCKA_LIBRARY cmocka)
  if(NOT CMOCKA_INCLUDE_DIR OR NOT CMOCKA_LIBRARY)
    message(STATUS "No cmocka (Debian: libcmocka-dev): the tests are built with tests/cmocka/cmocka.h")
  endif()
endif()
if(BARROW_TEST_CMOCKA STREQUAL "bundled" OR NOT CMOCKA_INCLUDE_DIR OR NOT CMOCKA_LIBRARY)
  target_include_directories(barrow_cmocka INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../cmocka)
else()
  target_include_directories(barrow_cmocka SYSTEM INTERFACE ${CMOCKA_INCLUDE_DIR})
  target_link_libraries(barrow_cmocka INTERFACE ${CMOCKA_LIBRARY})
endif()

# What every test program is compiled with. Tests do on purpose what these gcc warnings are about.
add_library(barrow_test_flags INTERFACE)
target_include_directories(barrow_test_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_LIST_DIR}/..)
target_compile_definitions(barrow_test_flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE> BARROW_OVERRIDE_MALLOC=$<BOOL:${BARROW_OVERRIDE_MALLOC}>)
target_compile_options(barrow_test_flags INTERFACE
  -g $<$<COMPILE_LANGUAGE:C>:-std=gnu11>
  $<$<C_COMPILER_ID:GNU>:-Wno-alloc-size-larger-than -Wno-use-after-free -Wno-free-nonheap-object
  -Wno-mismatched-dealloc>)
target_link_options(barrow_test_flags INTERFACE -pthread)
if(WIN32)
  # What is POSIX in a test comes from winpthread and a few headers here, and from no other DLL.
  target_include_directories(barrow_test_flags INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../windows/include)
  target_compile_definitions(barrow_test_flags INTERFACE
    _WIN32_WINNT=0x0603 WIN32_LEAN_AND_MEAN NOMINMAX __USE_MINGW_ANSI_STDIO=1)
  target_compile_options(barrow_test_flags INTERFACE
    -Wno-return-type # its pthread_exit does not say that it never returns
    -include ${CMAKE_CURRENT_LIST_DIR}/../windows/posix.h)
  target_link_options(barrow_test_flags INTERFACE -static)
  set(BARROW_WINE_HOME ${CMAKE_BINARY_DIR}/wine CACHE PATH "Where Wine keeps its disk")
endif()
target_link_libraries(barrow_test_flags INTERFACE
  barrow_warnings barrow_no_builtin barrow_sanitizers barrow_cmocka)

function(barrow_register kind name)
  cmake_parse_arguments(PARSE_ARGV 2 T "SERIAL" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT")
  set(test ${BARROW_TEST_PREFIX}${kind}.${name})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300) # against what hangs: ten times and more what a test takes
  endif()
  set(fixture)
  math(EXPR timeout "${T_TIMEOUT} * ${BARROW_TEST_TIMEOUT_SCALE}")
  if(BARROW_SANITIZE)
    # What only our heap points to looks lost to the leak checker.
    list(PREPEND T_ENVIRONMENT ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1)
  endif()
  if(WIN32)
    list(PREPEND T_ENVIRONMENT HOME=${BARROW_WINE_HOME} WINEPREFIX=${BARROW_WINE_HOME}/prefix
      WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= WINEPATH=$<TARGET_FILE_DIR:barrow>)
    set(fixture FIXTURES_REQUIRED ${BARROW_TEST_PREFIX}wine)
  endif()
  add_test(NAME ${test} COMMAND ${T_COMMAND})
  set_tests_properties(${test} PROPERTIES
    TIMEOUT ${timeout} LABELS "${kind};${T_LABELS}" ENVIRONMENT "${T_ENVIRONMENT}"
    RUN_SERIAL "${T_SERIAL}" ${fixture})
endfunction()

function(barrow_test kind name)
  cmake_parse_arguments(PARSE_ARGV 2 T "PRELOAD;INTERNAL;SERIAL" "TIMEOUT"
    "SOURCES;LIBS;ARGS;LABELS;ENVIRONMENT")
  if(T_UNPARSED_ARGUMENTS OR NOT T_SOURCES)
    message(FATAL_ERROR "barrow_test(${kind} ${name}): bad arguments ${T_UNPARSED_ARGUMENTS}")
  endif()
  if("${T_SOURCES}" MATCHES "\\.(cc|cpp|cxx)" AND NOT BARROW_CXX)
    return() # a build for a C library that has no C++ compiler
  endif()
  set(program ${kind}_${name})
  add_executable(${program} ${T_SOURCES})
  if(T_INTERNAL)
    target_link_libraries(${program} PRIVATE barrow_internal)
    target_compile_definitions(${program} PRIVATE BARROW_DEBUG=$<BOOL:${BARROW_DEBUG}>)
  elseif(T_PRELOAD)
    list(PREPEND T_ENVIRONMENT LD_PRELOAD=$<TARGET_FILE:barrow>)
    add_dependencies(${program} barrow)
  else()
    target_link_libraries(${program} PRIVATE barrow)
  endif()
  target_link_libraries(${program} PRIVATE ${T_LIBS} barrow_test_flags)
  if(T_SERIAL)
    set(serial SERIAL)
  endif()
  barrow_register(${kind} ${name}
    COMMAND ${launcher} $<TARGET_FILE:${program}> ${T_ARGS}
    TIMEOUT ${T_TIMEOUT} LABELS ${T_LABELS} ENVIRONMENT ${T_ENVIRONMENT} ${serial})
endfunction()

function(barrow_script_test kind name)
  cmake_parse_arguments(PARSE_ARGV 2 T "SERIAL" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT")
  if(T_UNPARSED_ARGUMENTS OR NOT T_COMMAND)
    message(FATAL_ERROR "barrow_script_test(${kind} ${name}): bad arguments ${T_UNPARSED_ARGUMENTS}")
  endif()
  if(T_SERIAL)
    set(serial SERIAL)
  endif()
  barrow_register(${kind} ${name} COMMAND ${T_COMMAND}
    TIMEOUT ${T_TIMEOUT} LABELS ${T_LABELS} ${serial}
    ENVIRONMENT BARROW_LIBRARY=$<TARGET_FILE:barrow> ${T_ENVIRONMENT})
endfunction()
