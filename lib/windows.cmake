# SPDX-License-Identifier: MIT
# The library for Windows:
#   barrow          barrow.dll and its import library
#   barrow_static   libbarrow.a: one object with the public names and no others
#   barrow_internal the plain archive of all object files, for tests of what is inside
#
# malloc's plain names belong to the C run-time here, Virtual*, mappings and handles to the system.

list(FILTER barrow_sources EXCLUDE REGEX "lib/shim/(glibc|operators)")

# barrow_compiled(<target>): the library's objects, compiled for one use of them.
function(barrow_compiled target)
  add_library(${target} OBJECT ${barrow_sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_definitions(${target} PUBLIC
    BARROW_OVERRIDE_MALLOC=0 BARROW_DEBUG=$<BOOL:${BARROW_DEBUG}>
    _WIN32_WINNT=0x0603 WIN32_LEAN_AND_MEAN __USE_MINGW_ANSI_STDIO=1)
  target_compile_options(${target} PRIVATE
    -std=gnu11 -Wconversion -Wno-sign-conversion -fno-tree-slp-vectorize
    # MinGW's linker would give that section of clang's a place in the program
    $<$<C_COMPILER_ID:Clang>:-fno-addrsig>)
  target_link_libraries(${target} PRIVATE barrow_warnings barrow_no_builtin barrow_sanitizers)
endfunction()

function(barrow_public target)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endfunction()

barrow_compiled(barrow_objects)
barrow_compiled(barrow_shared_objects)
target_compile_definitions(barrow_shared_objects PRIVATE BARROW_BUILD_SHARED)

# The DLL alone takes over the run-times' heap.
file(GLOB redirect_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/redirect/*.c)
target_sources(barrow_shared_objects PRIVATE ${redirect_sources})

add_library(barrow SHARED redirect/barrow.def $<TARGET_OBJECTS:barrow_shared_objects>)
barrow_public(barrow)
target_compile_definitions(barrow INTERFACE BARROW_SHARED)
set_target_properties(barrow PROPERTIES PREFIX "" LINKER_LANGUAGE C)
target_link_options(barrow PRIVATE -static-libgcc)
target_link_libraries(barrow PRIVATE ntdll)

add_library(barrow_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:barrow_objects>)
set_target_properties(barrow_internal PROPERTIES LINKER_LANGUAGE C)
target_include_directories(barrow_internal INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(barrow_internal INTERFACE ntdll)

# The compiler knows its target's linker.
set(target_option "")
if(CMAKE_C_COMPILER_TARGET)
  set(target_option --target=${CMAKE_C_COMPILER_TARGET})
endif()
set(merged ${CMAKE_CURRENT_BINARY_DIR}/merged.o)
set(single ${CMAKE_CURRENT_BINARY_DIR}/barrow.o)
add_custom_command(OUTPUT ${single}
  COMMAND ${CMAKE_C_COMPILER} ${target_option} -nostdlib -r -o ${merged} $<TARGET_OBJECTS:barrow_objects>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=barrow_* ${merged} ${single}
  COMMAND ${CMAKE_COMMAND} -E rm ${merged}
  DEPENDS $<TARGET_OBJECTS:barrow_objects> barrow_objects
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(barrow_static STATIC ${single})
barrow_public(barrow_static)
set_target_properties(barrow_static PROPERTIES
  OUTPUT_NAME barrow EXPORT_NAME static LINKER_LANGUAGE C)
target_link_libraries(barrow_static INTERFACE ntdll)
barrow_choose()
