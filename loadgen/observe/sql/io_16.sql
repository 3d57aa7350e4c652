-- Operations on relation files by every process of the server, since PostgreSQL 16.
SELECT coalesce(sum(reads), 0)::bigint AS reads, coalesce(sum(writes), 0)::bigint AS writes,
       coalesce(sum(extends), 0)::bigint AS extends, coalesce(sum(fsyncs), 0)::bigint AS fsyncs
FROM pg_stat_io
WHERE object <> 'wal'
