-- Who else is connected to a database, by what they call themselves.
SELECT coalesce(nullif(application_name, ''), 'pid ' || pid), count(*)
FROM pg_stat_activity
WHERE datname = %(database)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1
ORDER BY 1;
