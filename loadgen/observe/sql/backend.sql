-- This session's process, and when it began.
SELECT pid, extract(epoch FROM backend_start)::float8
FROM pg_stat_activity
WHERE pid = pg_backend_pid()
