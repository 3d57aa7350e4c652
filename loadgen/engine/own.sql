-- The statements of the engine itself, beside those of a scenario.

-- name: identify (read, rows 1)
-- $1 user_id bigint = active_user
-- Both settings end with the transaction: a session-wide SET would leak an identity through transaction pooling.
SELECT set_config('role', 'affluvia_app_role', true), set_config('app.user_id', $1::bigint::text, true)

-- name: written_lsn (read, rows 1)
-- A position in the write-ahead log as a number, as the next one. The application under load sends neither.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint

-- name: replayed_lsn (read, rows 1)
SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint
