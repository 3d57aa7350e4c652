-- Whether this is a standby, of which cluster, and whether it has replayed up to a position of the primary's log.
SELECT
    pg_is_in_recovery(),
    (SELECT system_identifier FROM pg_control_system()),
    coalesce(pg_last_wal_replay_lsn() >= %(position)s::text::pg_lsn, false)
