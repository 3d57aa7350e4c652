-- What each statement of this database did since the statistics began; {schema} is where the extension lives.
SELECT queryid, min(query) AS query, sum(calls)::bigint AS calls, sum(rows)::bigint AS rows,
       sum(total_exec_time) AS total_exec_ms, sum(shared_blks_hit)::bigint AS shared_blocks_hit,
       sum(shared_blks_read)::bigint AS shared_blocks_read, sum(shared_blks_dirtied)::bigint AS shared_blocks_dirtied,
       sum(wal_bytes)::bigint AS wal_bytes
FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND queryid IS NOT NULL
GROUP BY queryid
