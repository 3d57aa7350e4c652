-- Which schema files were applied, and the objects that they and other code of this tool created.

-- name: has_bookkeeping
SELECT to_regclass('loadgen.mark') IS NOT NULL AND to_regclass('loadgen.schema_migrations') IS NOT NULL;

-- name: applied
SELECT version, sha256 FROM loadgen.schema_migrations;

-- name: record_applied
INSERT INTO loadgen.schema_migrations (version, sha256) VALUES (%(version)s, %(sha256)s);

-- name: has_created_objects
SELECT to_regclass('loadgen.created_objects') IS NOT NULL

-- name: application_is_recorded
-- Whether anything of the application is recorded, or there only is what belongs to this tool.
SELECT EXISTS (SELECT FROM loadgen.created_objects WHERE name !~ '^loadgen(\.|$)')

-- name: objects
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

-- name: record_created
-- Objects by catalogue and number, with what shows later that they are still the same.
INSERT INTO loadgen.created_objects (classid, objid, name, columns)
SELECT
    o.classid,
    o.objid,
    (pg_identify_object(o.classid, o.objid, 0)).identity,
    (SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
     FROM pg_attribute AS a
     WHERE o.classid = 'pg_class'::regclass AND a.attrelid = o.objid AND a.attnum > 0 AND NOT a.attisdropped)
FROM unnest(%(classids)s::oid[], %(objids)s::oid[]) AS o (classid, objid);

-- name: created_objects
-- What was recorded as created here and is still there under its name, with the columns that it has now besides.
SELECT
    o.classid::bigint AS classid,
    o.objid::bigint AS objid,
    i.type,
    i.identity AS name,
    CASE WHEN i.type = 'table' THEN greatest(c.reltuples, 0)::bigint END AS estimated_rows,
    coalesce(ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE o.classid = 'pg_class'::regclass AND a.attrelid = o.objid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attname || ' ' || format_type(a.atttypid, a.atttypmod) <> ALL (o.columns)
        ORDER BY a.attnum
    ), '{}') AS other_columns
FROM loadgen.created_objects AS o
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
LEFT JOIN pg_class AS c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
WHERE i.identity = o.name
ORDER BY i.type, i.identity;
