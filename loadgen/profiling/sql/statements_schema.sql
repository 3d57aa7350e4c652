-- The schema of pg_stat_statements, if this database has the extension, and whether we may see what others ran.
SELECT n.nspname::text, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
