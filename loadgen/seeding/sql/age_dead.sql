-- Dead rows by table since the last VACUUM of each. A step's closing part names the tables that were vacuumed then.
SELECT r.key, sum(r.value::bigint)::bigint
FROM loadgen.ledger AS l, jsonb_each_text(l.rows) AS r
WHERE l.part = 'ageing'
    AND l.loaded_at IS NOT NULL
    AND l.chunk > coalesce(
        (
            SELECT max(c.chunk)
            FROM loadgen.ledger AS c
            WHERE c.part = 'ageing' AND c.loaded_at IS NOT NULL AND mod(c.chunk + 1, %(stride)s) = 0 AND c.rows ? r.key
        ),
        -1
    )
GROUP BY r.key
ORDER BY r.key;
