# SPDX-License-Identifier: MIT
# A C compiler and CMake are enough: without tests and benchmarks C++ is not even looked for.
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${scratch}/build -G ${GENERATOR}
  -DCMAKE_C_COMPILER=${CC} -DCMAKE_INSTALL_PREFIX=${scratch}/prefix
  -DBARROW_BUILD_TESTS=OFF -DBARROW_BUILD_BENCH=OFF)
file(STRINGS ${scratch}/build/CMakeCache.txt entries REGEX "^CMAKE_CXX_COMPILER:|^CMOCKA")
if(entries)
  message(FATAL_ERROR "looked for: ${entries}")
endif()
run(${CMAKE_COMMAND} --build ${scratch}/build)
run(${CMAKE_COMMAND} --install ${scratch}/build)
