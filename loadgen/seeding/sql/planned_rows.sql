-- Rows by table, of the whole plan.
SELECT r.key, sum(r.value::bigint)::bigint
FROM loadgen.ledger AS l, jsonb_each_text(l.rows) AS r
WHERE l.part <> 'ageing'
GROUP BY r.key
ORDER BY r.key;
