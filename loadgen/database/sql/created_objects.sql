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
