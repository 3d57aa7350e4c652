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
