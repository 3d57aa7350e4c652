-- Copies of a database.

-- name: create
-- Files are copied, not logged row by row: faster for anything large, and a checkpoint either side.
-- The limit, which nobody reaches, marks the copy in the statement that makes it: a comment comes a statement too late.
CREATE DATABASE {copy} TEMPLATE {source} STRATEGY FILE_COPY CONNECTION LIMIT {limit};

-- name: mark
COMMENT ON DATABASE {copy} IS {comment};

-- name: is_working_copy
-- True or false; no row where there is no database of that name.
SELECT datconnlimit = %(limit)s OR coalesce(shobj_description(oid, 'pg_database'), '') = %(comment)s
FROM pg_database
WHERE datname = %(database)s;

-- name: drop
DROP DATABASE IF EXISTS {copy};

-- name: other_clients
-- Who else is connected to a database, by what they call themselves.
SELECT coalesce(nullif(application_name, ''), 'pid ' || pid), count(*)
FROM pg_stat_activity
WHERE datname = %(database)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1
ORDER BY 1;

-- name: end_own_leftovers
-- Sessions of this user's own loads that a pooler or a process left behind: idle ones, and none of anybody else's.
SELECT count(pg_terminate_backend(pid, 5000))
FROM pg_stat_activity
WHERE datname = %(database)s
    AND pid <> pg_backend_pid()
    AND usename = current_user
    AND application_name IN ('loadgen', 'loadgen sampler')
    AND state LIKE 'idle%%';
