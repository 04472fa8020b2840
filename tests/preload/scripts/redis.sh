#!/bin/sh
# SPDX-License-Identifier: MIT
# A server under the benchmark, then filled, thinned out, saved by a forked child, reloaded, and ended.
set -eu
redis-server --port 0 --unixsocket redis.sock --dir . --save '' --appendonly no \
    --enable-debug-command local --io-threads 2 >redis.log 2>&1 &
server=$!

ask() {
    redis-cli -s redis.sock "$@"
}

tries=0
until [ "$(ask ping 2>/dev/null)" = PONG ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { cat redis.log >&2; exit 1; }
    sleep 0.1
done

# Keys are not random and nothing is popped, so that what the clients leave behind is always the same.
redis-benchmark -s redis.sock -c 20 -n 40000 -P 4 -d 100 -q \
    -t set,get,incr,lpush,sadd,hset,zadd,mset >benchmark.log 2>&1
ask get counter:__rand_int__
ask llen mylist
ask del mylist

ask debug populate 300000 key 120
ask eval '
    local seed = 1
    for i = 1, 30000 do
        seed = (seed * 69069 + 1) % 1048576
        redis.call("hset", "hash:" .. i % 300, "field" .. seed, string.rep("x", seed % 200))
        redis.call("zadd", "set:" .. i % 100, seed, "member" .. i)
        redis.call("rpush", "list:" .. i % 50, string.rep("y", seed % 500))
        redis.call("append", "grown:" .. i % 200, seed)
    end
    for i = 0, 299999 do
        if i % 3 ~= 0 then redis.call("del", "key:" .. i) end
    end
    return seed' 0
ask dbsize
ask debug digest
ask memory purge
ask bgsave
until ask info persistence | grep -q 'rdb_bgsave_in_progress:0'; do sleep 0.1; done
ask info persistence | grep 'rdb_last_bgsave_status'
ask debug reload
ask debug digest
ask shutdown nosave
wait $server
