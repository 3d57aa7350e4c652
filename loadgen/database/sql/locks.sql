-- Who uses a database: PostgreSQL's advisory locks.

-- name: lock_gate
-- Held to the end of the transaction, while it is looked at who uses the database.
SELECT pg_advisory_xact_lock(%(class)s::integer, %(key)s::integer)

-- name: lock_use
-- Held to the end of the session.
SELECT pg_advisory_lock_shared(%(class)s::integer, %(key)s::integer)

-- name: lock_holders
-- Sessions that hold one of these keys in a database, by default that of this session; not this session itself.
SELECT coalesce(nullif(a.application_name, ''), 'a session') || ' (user ' || a.usename || ', backend ' || a.pid || ')'
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_database AS d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid <> pg_backend_pid()
    AND d.datname = coalesce(%(database)s::text, current_database())
    AND l.classid = %(class)s::bigint::oid AND l.objid::bigint = ANY (%(keys)s::bigint[])
ORDER BY a.backend_start, a.pid

-- name: reserve_name
SELECT pg_try_advisory_lock(%(class)s::integer, hashtext(%(name)s))

-- name: name_holders
-- Who holds a name that reserve_name was refused.
SELECT coalesce(nullif(a.application_name, ''), 'a session') || ' (user ' || a.usename || ', backend ' || a.pid || ')'
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid = %(class)s::bigint::oid
    AND l.objid::bigint = hashtext(%(name)s)::bigint & 4294967295

-- name: release_name
SELECT pg_advisory_unlock(%(class)s::integer, hashtext(%(name)s))
