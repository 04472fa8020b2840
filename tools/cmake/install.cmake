# SPDX-License-Identifier: MIT
# What `cmake --install` puts in place; tools/ installs the command itself.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/barrow)
install(TARGETS barrow barrow_static EXPORT barrow_targets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(EXPORT barrow_targets NAMESPACE barrow:: FILE barrowTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(tools/cmake/barrowConfig.cmake.in barrowConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(barrowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/barrowConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/barrowConfigVersion.cmake DESTINATION ${package_dir})

# The prefix is found from where barrow.pc lies, so that an installed tree may be moved.
file(RELATIVE_PATH prefix_from_pc
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(tools/cmake/barrow.pc.in barrow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/barrow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
