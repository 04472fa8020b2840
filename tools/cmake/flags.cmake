# SPDX-License-Identifier: MIT
# Compiler flags, as three interface targets:
#   barrow_warnings   for everything that is compiled here
#   barrow_no_builtin for code whose malloc and free must be real calls: the library, tests, benches
#   barrow_sanitizers empty unless BARROW_SANITIZE says otherwise

add_library(barrow_warnings INTERFACE)
target_compile_options(barrow_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wformat=2
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition>
  $<$<BOOL:${BARROW_WERROR}>:-Werror>)

add_library(barrow_no_builtin INTERFACE)
foreach(function malloc calloc realloc reallocarray free free_sized free_aligned_sized
    posix_memalign aligned_alloc memalign valloc pvalloc)
  target_compile_options(barrow_no_builtin INTERFACE -fno-builtin-${function})
endforeach()

add_library(barrow_sanitizers INTERFACE)
if(BARROW_SANITIZE)
  if(BARROW_OVERRIDE_MALLOC AND BARROW_SANITIZE MATCHES "address|thread|leak|memory")
    message(FATAL_ERROR "The sanitizers bring a malloc of their own: "
      "BARROW_SANITIZE=${BARROW_SANITIZE} needs BARROW_OVERRIDE_MALLOC=OFF")
  endif()
  target_compile_options(barrow_sanitizers INTERFACE
    -fsanitize=${BARROW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  target_link_options(barrow_sanitizers INTERFACE -fsanitize=${BARROW_SANITIZE})
endif()
