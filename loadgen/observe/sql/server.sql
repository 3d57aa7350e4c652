-- The server beside its samples: settings, sizes, processes, replay.

-- name: settings
-- The settings a load depends on, in their own units; a server that lacks one leaves it out.
SELECT name, current_setting(name)
FROM pg_settings
WHERE name IN (
    'autovacuum', 'checkpoint_completion_target', 'checkpoint_timeout', 'commit_delay', 'data_checksums',
    'default_toast_compression', 'default_transaction_isolation', 'effective_cache_size', 'effective_io_concurrency',
    'fsync', 'full_page_writes', 'huge_pages', 'io_method', 'jit', 'lc_collate', 'maintenance_work_mem',
    'max_connections', 'max_parallel_workers', 'max_parallel_workers_per_gather', 'max_wal_size', 'min_wal_size',
    'plan_cache_mode', 'random_page_cost', 'reserved_connections', 'shared_buffers', 'shared_preload_libraries',
    'superuser_reserved_connections', 'synchronous_commit', 'synchronous_standby_names', 'track_io_timing',
    'wal_buffers', 'wal_compression', 'wal_level', 'work_mem'
)
ORDER BY name

-- name: table_sizes
-- Heap with its free-space and visibility maps, TOAST with its index, indexes, and the rows that are visible now.
WITH counted (name, row_count) AS (
    SELECT 'users', count(*) FROM public.users
    UNION ALL SELECT 'financial_profiles', count(*) FROM public.financial_profiles
    UNION ALL SELECT 'goals', count(*) FROM public.goals
    UNION ALL SELECT 'education_goals', count(*) FROM public.education_goals
    UNION ALL SELECT 'estate_plans', count(*) FROM public.estate_plans
    UNION ALL SELECT 'chat_messages', count(*) FROM public.chat_messages
    UNION ALL SELECT 'user_achievements', count(*) FROM public.user_achievements
    UNION ALL SELECT 'user_progress', count(*) FROM public.user_progress
), toasted AS (
    SELECT counted.*, pg_class.oid,
           coalesce(pg_total_relation_size(nullif(pg_class.reltoastrelid, 0)), 0) AS toast_bytes
    FROM counted
    JOIN pg_class ON pg_class.oid = to_regclass('public.' || counted.name)
)
SELECT name, row_count AS rows, pg_table_size(oid) - toast_bytes AS heap_bytes, toast_bytes,
       pg_indexes_size(oid) AS index_bytes
FROM toasted
ORDER BY name

-- name: start
-- When the server started, and since when it has its statistics: a crash throws them away, an orderly shutdown keeps them.
SELECT extract(epoch FROM pg_postmaster_start_time())::float8 AS started_s,
       (SELECT extract(epoch FROM stats_reset)::float8 FROM pg_stat_bgwriter) AS statistics_since_s

-- name: backend
-- This session's process, and when it began.
SELECT pid, extract(epoch FROM backend_start)::float8
FROM pg_stat_activity
WHERE pid = pg_backend_pid()

-- name: replay
-- How far a standby has replayed, how much it holds that is not replayed yet, and how old what it shows is then.
SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint AS wal_bytes,
       greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint AS lag_bytes,
       CASE WHEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
            ELSE greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)
       END::float8 AS lag_s
