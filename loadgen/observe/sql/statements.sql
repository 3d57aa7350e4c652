-- Counts by statement: pg_stat_statements, and the identifiers by which it knows a scenario's.

-- name: statements_schema
-- The schema of pg_stat_statements, if this database has the extension.
SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'pg_stat_statements'

-- name: statements
-- What each statement of this database did since the statistics began; {schema} is where the extension lives.
SELECT queryid, min(query) AS query, sum(calls)::bigint AS calls, sum(rows)::bigint AS rows,
       sum(total_exec_time) AS total_exec_ms, sum(shared_blks_hit)::bigint AS shared_blocks_hit,
       sum(shared_blks_read)::bigint AS shared_blocks_read, sum(shared_blks_dirtied)::bigint AS shared_blocks_dirtied,
       sum(wal_bytes)::bigint AS wal_bytes
FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND queryid IS NOT NULL
GROUP BY queryid

-- name: statements_evicted
-- How often pg_stat_statements forgot statements because its table was full.
SELECT dealloc FROM {schema}.pg_stat_statements_info

-- name: statement_prepare
-- A scenario's statement with the types that its parameters are sent with: they are part of its queryid.
PREPARE {name} {types} AS {statement}

-- name: statement_identifier
-- Planned, not run: its plan says "Query Identifier", which is pg_stat_statements' queryid.
EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE {name} {arguments}
