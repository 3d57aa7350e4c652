SELECT count(*)::float8 / (
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0)
) AS value
FROM pg_stat_activity
WHERE backend_type = 'client backend'
