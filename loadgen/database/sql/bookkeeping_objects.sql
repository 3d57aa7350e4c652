-- The bookkeeping of a database that was marked before created objects were recorded: it is in a schema of its own.
SELECT 'pg_class'::regclass::oid::bigint AS classid, c.oid::bigint AS objid
FROM pg_class AS c
WHERE c.relnamespace = to_regnamespace('loadgen') AND c.relkind = 'r'
    AND c.relname IN ('mark', 'schema_migrations', 'seeding', 'ledger')
UNION ALL
SELECT 'pg_proc'::regclass::oid::bigint, p.oid::bigint
FROM pg_proc AS p
WHERE p.pronamespace = to_regnamespace('loadgen') AND p.proname IN ('replay_chat', 'other_figures')
UNION ALL
SELECT 'pg_namespace'::regclass::oid::bigint, oid::bigint FROM pg_namespace WHERE nspname = 'loadgen';
