-- Room for building an index, unless the server gives more.
SELECT set_config(
    'maintenance_work_mem',
    greatest(pg_size_bytes(current_setting('maintenance_work_mem')), %(memory_mb)s * 1048576::bigint) / 1024 || 'kB',
    false
);
