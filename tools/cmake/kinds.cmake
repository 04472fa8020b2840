# SPDX-License-Identifier: MIT
# Which of the two libraries are built by default and installed: both, or what BUILD_SHARED_LIBS says. The
# targets exist in any case, for the tests.
set(BARROW_SHARED_LIBRARY ON)
set(BARROW_STATIC_LIBRARY ON)
if(DEFINED BUILD_SHARED_LIBS)
  if(BUILD_SHARED_LIBS)
    set(BARROW_STATIC_LIBRARY OFF)
  else()
    set(BARROW_SHARED_LIBRARY OFF)
  endif()
endif()

# The names that users link with. barrow::barrow is the shared library if there is one.
function(barrow_choose)
  if(BARROW_SHARED_LIBRARY)
    add_library(barrow::barrow ALIAS barrow)
  else()
    add_library(barrow::barrow ALIAS barrow_static)
    set_target_properties(barrow PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  if(BARROW_STATIC_LIBRARY)
    add_library(barrow::static ALIAS barrow_static)
  else()
    set_target_properties(barrow_static PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()
