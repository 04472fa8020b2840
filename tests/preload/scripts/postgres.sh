#!/bin/sh
# SPDX-License-Identifier: MIT
# A cluster made, a server of many processes started, loaded by pgbench, asked, and stopped.
set -eu
for bin in /usr/lib/postgresql/*/bin; do PATH="$bin:$PATH"; done

initdb --pgdata data --auth trust --username postgres --no-sync --locale C.UTF-8 >initdb.log 2>&1
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$PWD'
fsync = off
shared_buffers = 32MB
max_parallel_workers_per_gather = 2
min_parallel_table_scan_size = 1MB
parallel_setup_cost = 10
END
export PGHOST="$PWD" PGUSER=postgres PGDATABASE=postgres
pg_ctl --pgdata data --wait --timeout 60 --silent --log server.log start
trap 'pg_ctl --pgdata data --mode immediate --silent stop' EXIT

# Fixed numbers of transactions from a fixed seed change the balances by the same sums in any order.
pgbench --initialize --quiet --scale 4 >pgbench.log 2>&1
pgbench --client 8 --jobs 2 --transactions 400 --random-seed 42 >>pgbench.log 2>&1
pgbench --client 4 --no-vacuum --transactions 200 --random-seed 42 \
    --select-only --protocol prepared >>pgbench.log 2>&1
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file - <<'SQL'
SELECT count(*), sum(delta) FROM pgbench_history;
SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(tbalance) FROM pgbench_tellers)
   AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)
   AND (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
    AS consistent;
SELECT md5(string_agg(aid || ':' || abalance, ',' ORDER BY aid)) FROM pgbench_accounts;
CREATE TABLE word AS
    SELECT i, md5(i::text) AS hash, repeat(md5((i * 7)::text), i % 20) AS body
    FROM generate_series(1, 100000) AS i;
CREATE INDEX ON word (hash);
SELECT left(hash, 1) AS first, count(*), sum(length(body)) FROM word GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM word a JOIN word b ON left(a.hash, 5) = left(b.hash, 5) AND a.i < b.i;
SELECT length(string_agg(body, ' ' ORDER BY hash)) FROM word;
SELECT jsonb_object_agg(left(hash, 3), i ORDER BY i) -> 'abc' FROM word;
DO $$
BEGIN
    FOR i IN 1 .. 2000 LOOP
        EXECUTE format('CREATE TEMP TABLE t%s (a int, b text)', i % 100);
        EXECUTE format('INSERT INTO t%s SELECT g, repeat(chr(65 + g %% 26), g) FROM generate_series(1, 20) g', i % 100);
        EXECUTE format('DROP TABLE t%s', i % 100);
    END LOOP;
END $$;
VACUUM ANALYZE word;
SQL
pg_ctl --pgdata data --mode fast --wait --timeout 60 --silent stop
trap - EXIT
pg_controldata data | grep 'Database cluster state'
