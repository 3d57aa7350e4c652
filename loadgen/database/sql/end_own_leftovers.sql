-- Connections of this user's own tool that its process left behind: idle ones, and none of anybody else's.
SELECT count(pg_terminate_backend(pid, 5000))
FROM pg_stat_activity
WHERE datname = %(database)s
    AND pid <> pg_backend_pid()
    AND usename = current_user
    AND application_name LIKE 'loadgen%%'
    AND state LIKE 'idle%%';
