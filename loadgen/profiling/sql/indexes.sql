-- Indexes of the application's tables by what they are, not by their names: columns that its schema does not have, and
-- expressions, are NULL; so are methods that are not the system's own.
SELECT
    c.relname::text,
    CASE WHEN am.amname = ANY(%(methods)s) THEN am.amname::text END,
    ARRAY(
        SELECT CASE WHEN c.relname || '.' || a.attname = ANY(%(columns)s) THEN a.attname::text END
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE k.place <= i.indnkeyatts
        ORDER BY k.place
    ),
    i.indisunique,
    i.indpred IS NOT NULL,
    coalesce(
        (SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(i.indexrelid) AS p),
        pg_relation_size(i.indexrelid)
    )::bigint
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indrelid = c.oid
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = x.relam
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p') AND i.indisvalid
ORDER BY 1, 6 DESC, 3
