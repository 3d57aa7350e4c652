SELECT count(*) AS value
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle' AND datname = current_database() AND pid <> pg_backend_pid()
