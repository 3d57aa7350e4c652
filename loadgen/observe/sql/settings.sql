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
