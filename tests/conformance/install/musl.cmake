# SPDX-License-Identifier: MIT
# The library built by musl-gcc, and a static program of musl's with it.
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${scratch}/build -G ${GENERATOR}
  -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_INSTALL_PREFIX=${scratch}/prefix -DCMAKE_INSTALL_LIBDIR=lib
  -DBARROW_WERROR=ON -DBARROW_BUILD_TESTS=OFF -DBARROW_BUILD_BENCH=OFF -DBARROW_BUILD_TOOLS=OFF)
run(${CMAKE_COMMAND} --build ${scratch}/build)
run(${CMAKE_COMMAND} --install ${scratch}/build)
run(musl-gcc -static -I ${scratch}/prefix/include ${here}/consumer.c -o ${scratch}/consumer
  -L ${scratch}/prefix/lib -lbarrow)
run(${scratch}/consumer)
