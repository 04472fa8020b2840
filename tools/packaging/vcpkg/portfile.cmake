# SPDX-License-Identifier: MIT
# An overlay port: `vcpkg install barrow --overlay-ports=tools/packaging/vcpkg`. It builds the sources that it lies
# in; a port in vcpkg's registry would fetch a tag instead. VCPKG_LIBRARY_LINKAGE chooses one of the libraries.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)
string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "dynamic" shared)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DBUILD_SHARED_LIBS=${shared}
    -DBARROW_BUILD_TESTS=OFF
    -DBARROW_BUILD_BENCH=OFF
    -DBARROW_BUILD_TOOLS=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/barrow)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE
  "${CURRENT_PACKAGES_DIR}/debug/include"
  "${CURRENT_PACKAGES_DIR}/debug/share"
  "${CURRENT_PACKAGES_DIR}/share/man"
  "${CURRENT_PACKAGES_DIR}/share/doc")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
