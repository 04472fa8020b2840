# SPDX-License-Identifier: MIT
# libbarrow.a: in a program that is static altogether, and in one that is not.
run(${CC} -Wl,--fatal-warnings -static -I ${prefix}/include ${here}/consumer.c -o ${scratch}/static
  -L ${prefix}/${LIBDIR} -lbarrow)
run(${scratch}/static)
run(${CC} -I ${prefix}/include ${here}/consumer.c -o ${scratch}/mixed
  ${prefix}/${LIBDIR}/libbarrow.a)
run(${scratch}/mixed)
