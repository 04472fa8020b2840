# SPDX-License-Identifier: MIT
# Installs, and looks whether everything came.
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
foreach(file
    include/barrow/barrow.h
    ${LIBDIR}/libbarrow.so ${LIBDIR}/libbarrow.so.0 ${LIBDIR}/libbarrow.so.${VERSION}
    ${LIBDIR}/libbarrow.a
    ${LIBDIR}/cmake/barrow/barrowConfig.cmake ${LIBDIR}/cmake/barrow/barrowConfigVersion.cmake
    ${LIBDIR}/pkgconfig/barrow.pc)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
