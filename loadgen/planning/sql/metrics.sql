-- Figures of a server for its monitoring, each as value, those by table with a subject.

-- name: transactions
SELECT xact_commit + xact_rollback AS value FROM pg_stat_database WHERE datname = current_database()

-- name: active
SELECT count(*) AS value
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle' AND datname = current_database() AND pid <> pg_backend_pid()

-- name: connections
SELECT count(*)::float8 / (
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0)
) AS value
FROM pg_stat_activity
WHERE backend_type = 'client backend'

-- name: blocks_read
SELECT blks_read AS value FROM pg_stat_database WHERE datname = current_database()

-- name: blocks_hit
SELECT blks_hit AS value FROM pg_stat_database WHERE datname = current_database()

-- name: replay_lag
SELECT coalesce(max(extract(epoch FROM replay_lag)), 0)::float8 AS value FROM pg_stat_replication

-- name: table_bytes
SELECT coalesce(p.relname, c.relname) AS subject, sum(pg_total_relation_size(c.oid))::int8 AS value
FROM pg_class AS c
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS p ON p.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
GROUP BY 1

-- name: database_bytes
SELECT pg_database_size(current_database()) AS value

-- name: wal
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8 AS value WHERE NOT pg_is_in_recovery()
