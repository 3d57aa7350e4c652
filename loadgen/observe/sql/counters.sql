-- This database's counters, and the end of the WAL of the whole server as a number of bytes.
SELECT xact_commit, xact_rollback, blks_hit AS blocks_hit, blks_read AS blocks_read, temp_bytes, deadlocks,
       pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, '0/0'
       )::bigint AS wal_bytes
FROM pg_stat_database
WHERE datname = current_database()
