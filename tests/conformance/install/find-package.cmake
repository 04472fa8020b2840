# SPDX-License-Identifier: MIT
# A CMake project with find_package(barrow), in C and C++: shared, static, static altogether.
run(${CMAKE_COMMAND} -S ${here}/project -B ${scratch}/build -G ${GENERATOR}
  -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX}
  -DWANTED_VERSION=${VERSION})
run(${CMAKE_COMMAND} --build ${scratch}/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${scratch}/build --output-on-failure --no-tests=error)
