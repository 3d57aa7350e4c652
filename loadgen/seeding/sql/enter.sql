UPDATE loadgen.ledger
SET loaded_at = clock_timestamp(), below_water = %(below_water)s
WHERE part = %(part)s AND chunk = %(chunk)s;
