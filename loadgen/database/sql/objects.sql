-- Tables, views, functions and schemas that belong neither to the system nor to an extension. Indexes, sequences of
-- columns, triggers and policies go with their tables.
SELECT o.classid, o.objid
FROM (
    SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, relnamespace AS namespace
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, oid FROM pg_namespace WHERE nspname <> 'public'
) AS o
JOIN pg_namespace AS n ON n.oid = o.namespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e'
    );
