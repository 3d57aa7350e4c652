-- What pg_stat_statements counted in production.

-- name: statements_schema
-- The schema of pg_stat_statements, if this database has the extension, and whether we may see what others ran.
SELECT n.nspname::text, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'

-- name: statements
-- What each statement of this database did, most time first. The text goes through the lexer before anything else sees
-- it. toplevel is there from PostgreSQL 14 on, hence the detour.
SELECT /* loadgen profile */
    convert_to(s.query, 'UTF8'), s.calls, s.total_exec_time, s.rows, s.shared_blks_hit + s.shared_blks_read, s.wal_bytes::float8
FROM {place}.pg_stat_statements AS s
WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND s.queryid IS NOT NULL
    AND coalesce((to_jsonb(s) ->> 'toplevel')::boolean, true)
    AND s.query NOT LIKE '%%loadgen profile%%'
ORDER BY s.total_exec_time DESC
LIMIT %(most)s

-- name: statements_since
-- For how many days statements have been counted; from PostgreSQL 14 on.
SELECT extract(epoch FROM now() - stats_reset)::float8 / 86400 FROM {place}.pg_stat_statements_info
