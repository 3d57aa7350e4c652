-- Which cluster this is, and the end of its write-ahead log.
SELECT (SELECT system_identifier FROM pg_control_system()), pg_current_wal_insert_lsn()::text
