-- A reset: what it may drop, and dropping it.

-- name: matching_objects
-- Objects of the schema public that are exactly as those that the shipped files have just made in the schema
-- loadgen_shipped: tables by their columns, views and functions by their text.
WITH relations AS (
    SELECT
        c.oid,
        n.nspname,
        c.relname,
        c.relkind,
        ARRAY(
            SELECT format('%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity)
            FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
        ) AS columns,
        CASE WHEN c.relkind = 'v' THEN replace(pg_get_viewdef(c.oid), n.nspname || '.', '') END AS definition
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'loadgen_shipped') AND c.relkind IN ('r', 'v')
),
functions AS (
    SELECT p.oid, n.nspname, p.proname, p.prosrc, pg_get_function_identity_arguments(p.oid) AS arguments
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('public', 'loadgen_shipped')
)
SELECT 'pg_class'::regclass::oid::bigint AS classid, ours.oid::bigint AS objid
FROM relations AS ours
JOIN relations AS shipped USING (relname, relkind, columns)
WHERE ours.nspname = 'public' AND shipped.nspname = 'loadgen_shipped'
    AND ours.definition IS NOT DISTINCT FROM shipped.definition
UNION ALL
SELECT 'pg_proc'::regclass::oid::bigint, ours.oid::bigint
FROM functions AS ours
JOIN functions AS shipped USING (proname, prosrc, arguments)
WHERE ours.nspname = 'public' AND shipped.nspname = 'loadgen_shipped';

-- name: bookkeeping_objects
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

-- name: was_seeded
SELECT to_regclass('loadgen.seeding') IS NOT NULL

-- name: has_rows
SELECT EXISTS (SELECT FROM {table})

-- name: foreign_users
-- Users that no seeding and no load made: theirs have addresses on domains that are reserved for examples (RFC 2606).
SELECT count(*) FROM public.users WHERE email !~ '@example\.(com|org|net)$'

-- name: lock_table
LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE

-- name: drop_commands
-- The commands that drop these objects, in an order in which they can go. No CASCADE: an object of somebody else's that
-- hangs on them stops the reset instead of going with them.
SELECT format('DROP %%s %%s', i.type, string_agg(i.identity, ', ' ORDER BY i.identity))
FROM unnest(%(classids)s::oid[], %(objids)s::oid[]) AS o (classid, objid)
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
GROUP BY i.type
ORDER BY array_position(ARRAY['view', 'table', 'function', 'schema'], i.type);

-- name: drop_role
-- The role goes only if loadgen made it and nothing in any database of the cluster uses it any more.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_roles
        WHERE rolname = 'affluvia_app_role' AND shobj_description(oid, 'pg_authid') = 'made by loadgen'
    ) THEN
        DROP ROLE affluvia_app_role;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN
    NULL;
END $$;
