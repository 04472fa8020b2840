#!/bin/bash
# SPDX-License-Identifier: MIT
# The recipes of tools/packaging that are not Debian's, each as far as its tool is installed.
#
#   recipes.sh SOURCE WORK
set -euo pipefail
work=$2 packaging=$1/tools/packaging
rm -rf "$work"
mkdir -p "$work"
status=0

# skipped TOOL WHAT
skipped() {
    echo "recipes: $1 is not installed: $2"
    status=77
}

# vcpkg's functions, as far as the port uses them, by plain CMake.
cat >"$work/vcpkg.cmake" <<'STUBS'
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "SOURCE_PATH" "OPTIONS")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${A_SOURCE_PATH} -B ${WORK}/build ${A_OPTIONS}
    -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DCMAKE_INSTALL_LIBDIR=lib COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build --parallel 2 COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${WORK}/build COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "CONFIG_PATH" "")
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${A_CONFIG_PATH}/barrowConfig.cmake)
    message(FATAL_ERROR "no barrowConfig.cmake in ${A_CONFIG_PATH}")
  endif()
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "" "FILE_LIST")
  file(COPY ${A_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/barrow)
endfunction()
include(${CURRENT_PORT_DIR}/portfile.cmake)
STUBS
python3 -m json.tool "$packaging/vcpkg/vcpkg.json" >/dev/null
for linkage in dynamic static; do
    cmake -DWORK="$work/$linkage" -DCURRENT_PORT_DIR="$packaging/vcpkg" -DVCPKG_LIBRARY_LINKAGE=$linkage \
        -DCURRENT_PACKAGES_DIR="$work/$linkage/package" -P "$work/vcpkg.cmake" >"$work/$linkage.log" 2>&1 || {
        tail -n 30 "$work/$linkage.log"
        exit 1
    }
    [ -e "$work/$linkage/package/lib/libbarrow.so" ] && has_shared=yes || has_shared=no
    [ -e "$work/$linkage/package/lib/libbarrow.a" ] && has_static=yes || has_static=no
    case $linkage,$has_shared,$has_static in
    dynamic,yes,no | static,no,yes) ;;
    *) echo "recipes: $linkage has shared: $has_shared, static: $has_static" && exit 1 ;;
    esac
    # Whichever it is, a user links with barrow::barrow.
    mkdir -p "$work/$linkage/user"
    cat >"$work/$linkage/user/CMakeLists.txt" <<'USER'
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES C)
find_package(barrow REQUIRED)
file(WRITE ${CMAKE_BINARY_DIR}/user.c
  "#include <barrow/barrow.h>\n#include <stdlib.h>\nint main(void) { free(malloc(9)); return barrow_version() == NULL; }\n")
add_executable(user ${CMAKE_BINARY_DIR}/user.c)
target_link_libraries(user PRIVATE barrow::barrow)
USER
    cmake -S "$work/$linkage/user" -B "$work/$linkage/user/build" \
        -DCMAKE_PREFIX_PATH="$work/$linkage/package" >/dev/null
    cmake --build "$work/$linkage/user/build" >/dev/null
    "$work/$linkage/user/build/user"
done

if command -v conan >/dev/null; then
    export CONAN_HOME=$work/conan
    conan profile detect >/dev/null 2>&1
    for shared in True False; do
        conan create "$packaging/conan" -o "barrow/*:shared=$shared" >"$work/conan.log" 2>&1 || {
            tail -n 30 "$work/conan.log"
            exit 1
        }
    done
else
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$packaging/conan/conanfile.py"
    skipped conan "its recipe is only parsed"
fi
if command -v nix-instantiate >/dev/null; then
    nix-instantiate --parse "$packaging/nix/default.nix" >/dev/null
else
    skipped nix "its expression is not parsed"
fi
if command -v ruby >/dev/null; then
    ruby -c "$packaging/homebrew/barrow.rb" >/dev/null
else
    skipped ruby "Homebrew's formula is not parsed"
fi
exit "$status"
