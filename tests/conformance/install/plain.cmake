# SPDX-License-Identifier: MIT
# -lbarrow and nothing else.
run(${CC} -I ${prefix}/include ${here}/consumer.c -o ${scratch}/consumer
  -L ${prefix}/${LIBDIR} -lbarrow -Wl,-rpath,${prefix}/${LIBDIR})
run(${scratch}/consumer)
