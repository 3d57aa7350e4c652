-- Sessions of this user's own loads that a pooler or a process left behind: idle ones, and none of anybody else's.
SELECT count(pg_terminate_backend(pid, 5000))
FROM pg_stat_activity
WHERE datname = %(database)s
    AND pid <> pg_backend_pid()
    AND usename = current_user
    AND application_name IN ('loadgen', 'loadgen sampler')
    AND state LIKE 'idle%%';
