-- What the server still does for a participant that is gone: this user's own connections of that kind.
SELECT count(pg_terminate_backend(pid, 10000))
FROM pg_stat_activity
WHERE datname = current_database()
    AND usename = current_user
    AND application_name = %(application)s
    AND pid <> pg_backend_pid();
