# SPDX-License-Identifier: MIT
# What `cmake --install` puts in place; tools/ installs the command itself.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/barrow)
if(BARROW_SHARED_LIBRARY)
  install(TARGETS barrow EXPORT barrow_targets)
endif()
if(BARROW_STATIC_LIBRARY)
  install(TARGETS barrow_static EXPORT barrow_targets)
endif()
if(NOT WIN32)
  install(TARGETS barrow_win32 EXPORT barrow_targets)
endif()
if(NOT WIN32 AND BARROW_STATIC_LIBRARY)
  install(TARGETS barrow_win32_static EXPORT barrow_targets)
endif()
# Some headers of the folder win32 differ in the case of their names alone. Their contents are the same
# (tools/win32-headers), so they may overwrite each other where the file system ignores case.
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING
  PATTERN "*.h" PATTERN "*.H" PATTERN "*.hpp")
install(EXPORT barrow_targets NAMESPACE barrow:: FILE barrowTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(tools/cmake/barrowConfig.cmake.in barrowConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(barrowConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/barrowConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/barrowConfigVersion.cmake DESTINATION ${package_dir})

# The prefix is found from where barrow.pc lies, so that an installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(tools/cmake/barrow.pc.in barrow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/barrow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(NOT WIN32)
  configure_file(tools/cmake/barrow-win32.pc.in barrow-win32.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/barrow-win32.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

# Licence, changelog, documents, and the manual pages. A page with several functions is found by each of
# their names.
install(FILES LICENSE CHANGELOG.md SECURITY.md README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
if(NOT WIN32)
  file(GLOB pages CONFIGURE_DEPENDS docs/man/*.[37])
  if(BARROW_BUILD_TOOLS AND BARROW_SHARED_LIBRARY)
    list(APPEND pages ${PROJECT_SOURCE_DIR}/docs/man/barrow.1)
    install(FILES tools/completions/barrow.bash
      DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME barrow)
    install(FILES tools/completions/_barrow DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(FILES tools/completions/barrow.fish
      DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  endif()
  foreach(page ${pages})
    get_filename_component(file ${page} NAME)
    get_filename_component(section ${page} LAST_EXT)
    string(SUBSTRING ${section} 1 -1 section)
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    file(STRINGS ${page} names REGEX "^\\.Nm [A-Za-z_]+ ?,?$")
    foreach(name ${names})
      string(REGEX REPLACE "^\\.Nm ([A-Za-z_]+).*" "\\1" name ${name})
      if(section EQUAL 3 AND NOT file STREQUAL "${name}.3")
        file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/man/${name}.3 ".so man3/${file}\n")
        install(FILES ${CMAKE_CURRENT_BINARY_DIR}/man/${name}.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
      endif()
    endforeach()
  endforeach()
endif()
