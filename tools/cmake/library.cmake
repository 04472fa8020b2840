# SPDX-License-Identifier: MIT
# The library, compiled once:
#   barrow          libbarrow.so; the public names and nothing else are visible
#   barrow_static   libbarrow.a; the same, so that it cannot clash with a program's own names
#   barrow_internal the plain archive of all object files, for tests of what is inside

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(os_rooms lib/os/posix lib/os/linux)
elseif(WIN32)
  set(os_rooms lib/os/windows)
else()
  message(FATAL_ERROR "lib/os has no rooms for ${CMAKE_SYSTEM_NAME}")
endif()
# The linker keeps this order. The system maps files in pieces of 64 KiB: what a program that only
# calls malloc runs through should lie in as few of them as can be. lib/redirect is barrow.dll's, see
# library_windows.cmake.
foreach(room ${os_rooms} lib/diag lib/region lib/heap lib/shim lib/private lib/win32)
  file(GLOB sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${room}/*.c)
  list(APPEND barrow_sources ${sources})
endforeach()
set(seldom ${barrow_sources})
list(FILTER seldom INCLUDE REGEX "/(os_|checked|sampled|quarantine|walk|figures|fault)[^/]*$")
list(REMOVE_ITEM barrow_sources ${seldom})
list(APPEND barrow_sources ${seldom})
if(NOT barrow_sources)
  message(FATAL_ERROR "no sources in ${PROJECT_SOURCE_DIR}/lib")
endif()
if(WIN32)
  include(tools/cmake/library_windows.cmake)
  return()
endif()

add_library(barrow_objects OBJECT ${barrow_sources})
target_include_directories(barrow_objects PUBLIC include lib)
target_compile_definitions(barrow_objects PUBLIC
  _GNU_SOURCE
  BARROW_OVERRIDE_MALLOC=$<BOOL:${BARROW_OVERRIDE_MALLOC}>
  BARROW_DEBUG=$<BOOL:${BARROW_DEBUG}>)
# initial-exec: the library is there from the start of the process, so that its thread-local
# variables need no call. exceptions: bad_alloc travels through operator new, which is written in C.
target_compile_options(barrow_objects PRIVATE
  -std=gnu11 -Wconversion -Wno-sign-conversion
  -fvisibility=hidden -ftls-model=initial-exec -fno-semantic-interposition -fexceptions
  -fno-tree-slp-vectorize) # it joins two stores of free() into one, which takes longer
target_link_libraries(barrow_objects PRIVATE barrow_warnings barrow_no_builtin barrow_sanitizers)
set_target_properties(barrow_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
if(BARROW_LTO)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "BARROW_LTO is for gcc: the static library needs objects with machine code in them")
  endif()
  target_compile_options(barrow_objects PRIVATE -flto=auto -ffat-lto-objects)
endif()

# Functions that are written in assembly cannot be seen by link-time optimisation.
set_source_files_properties(lib/os/linux/os_jump.c lib/os/linux/os_registers.c
  PROPERTIES COMPILE_OPTIONS $<$<C_COMPILER_ID:GNU>:-fno-lto>)

function(barrow_public target)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

add_library(barrow SHARED $<TARGET_OBJECTS:barrow_objects>)
add_library(barrow::barrow ALIAS barrow)
barrow_public(barrow)
set_target_properties(barrow PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)
# nodelete: threads hold blocks and the exit handlers stay, so dlclose must not unload the library.
target_link_options(barrow PRIVATE -pthread
  LINKER:-z,now LINKER:-z,nodelete LINKER:-Bsymbolic-functions
  $<$<BOOL:${BARROW_LTO}>:-flto=auto -O2>)
if(NOT BARROW_SANITIZE)
  target_link_options(barrow PRIVATE LINKER:-z,defs)
endif()
target_link_libraries(barrow PRIVATE $<BUILD_INTERFACE:barrow_sanitizers>)

add_library(barrow_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:barrow_objects>)
set_target_properties(barrow_internal PROPERTIES LINKER_LANGUAGE C)
target_include_directories(barrow_internal INTERFACE include lib)
target_link_libraries(barrow_internal INTERFACE -pthread)

# One object with the hidden symbols made local. It also means that who takes malloc from the archive
# takes the whole family, never half of it from the C library.
set(merged ${CMAKE_CURRENT_BINARY_DIR}/merged.o)
set(single ${CMAKE_CURRENT_BINARY_DIR}/barrow.o)
add_custom_command(OUTPUT ${single}
  COMMAND ${CMAKE_LINKER} -r -o ${merged} $<TARGET_OBJECTS:barrow_objects>
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden --remove-section=.gnu.lto_* ${merged} ${single}
  COMMAND ${CMAKE_COMMAND} -E rm ${merged}
  DEPENDS $<TARGET_OBJECTS:barrow_objects> barrow_objects
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(barrow_static STATIC ${single})
add_library(barrow::static ALIAS barrow_static)
barrow_public(barrow_static)
set_target_properties(barrow_static PROPERTIES
  OUTPUT_NAME barrow EXPORT_NAME static LINKER_LANGUAGE C)
# A program that leaves all allocation to shared libraries does not name malloc itself.
target_link_options(barrow_static INTERFACE
  -pthread $<$<BOOL:${BARROW_OVERRIDE_MALLOC}>:LINKER:--undefined=malloc>)
