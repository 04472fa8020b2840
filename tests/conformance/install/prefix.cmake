# SPDX-License-Identifier: MIT
# Installs, and looks whether everything came.
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
foreach(file
    include/barrow/barrow.h
    ${LIBDIR}/libbarrow.so ${LIBDIR}/libbarrow.so.0 ${LIBDIR}/libbarrow.so.${VERSION}
    ${LIBDIR}/libbarrow.a
    ${LIBDIR}/cmake/barrow/barrowConfig.cmake ${LIBDIR}/cmake/barrow/barrowConfigVersion.cmake
    ${LIBDIR}/pkgconfig/barrow.pc ${LIBDIR}/pkgconfig/barrow-win32.pc
    include/barrow/win32/windows.h include/barrow/win32/Windows.h include/barrow/win32/WINDOWS.H
    share/man/man7/barrow.7 share/man/man3/barrow_heap.3 share/man/man3/HeapCreate.3
    share/doc/barrow/LICENSE share/doc/barrow/CHANGELOG.md share/doc/barrow/docs/heaps.md)
  if(NOT EXISTS ${prefix}/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
