UPDATE loadgen.ledger
SET
    loaded_at = clock_timestamp(),
    loaded_by = %(by)s,
    below_water = %(below_water)s,
    rows = coalesce(%(rows)s::jsonb, rows)
WHERE part = %(part)s AND chunk = %(chunk)s;
