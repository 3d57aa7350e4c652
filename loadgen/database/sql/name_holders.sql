-- Who holds a name that reserve_name.sql was refused.
SELECT coalesce(nullif(a.application_name, ''), 'a session') || ' (user ' || a.usename || ', backend ' || a.pid || ')'
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.classid = %(class)s::bigint::oid
    AND l.objid::bigint = hashtext(%(name)s)::bigint & 4294967295
