-- Positions in the write-ahead log as numbers. The application under load does not send these.

-- name: written_lsn (read, rows 1)
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint

-- name: replayed_lsn (read, rows 1)
SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint
