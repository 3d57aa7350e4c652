-- A few bytes of WAL that a commit must bring to the disk, and no row of any table.
SELECT pg_logical_emit_message(true, 'loadgen calibrate', '')
