#!/bin/sh
# SPDX-License-Identifier: MIT
# The server with its workers, asked for a page some times, and ended.
set -eu
cat >fpm.conf <<END
[global]
error_log = $PWD/fpm.log
daemonize = no
[www]
listen = $PWD/fpm.sock
pm = static
pm.max_children = 2
clear_env = no
END
root=
[ "$(id -u)" != 0 ] || root=-R
USE_ZEND_ALLOC=0 php-fpm8.2 $root -F -y fpm.conf >server.log 2>&1 &
server=$!
tries=0
until [ -S fpm.sock ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { cat fpm.log server.log >&2; exit 1; }
    sleep 0.1
done
for _ in 1 2 3 4 5 6; do
    SCRIPT_FILENAME=$DATA/page.php REQUEST_METHOD=GET cgi-fcgi -bind -connect fpm.sock | tail -n 5
done
kill -QUIT $server
wait $server
