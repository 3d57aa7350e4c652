-- Sessions that hold one of these keys in a database, by default that of this session; not this session itself.
SELECT coalesce(nullif(a.application_name, ''), 'a session') || ' (user ' || a.usename || ', backend ' || a.pid || ')'
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_database AS d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid <> pg_backend_pid()
    AND d.datname = coalesce(%(database)s::text, current_database())
    AND l.classid = %(class)s::bigint::oid AND l.objid::bigint = ANY (%(keys)s::bigint[])
ORDER BY a.backend_start, a.pid
