-- What is sampled during a run. Of NAME_MAJOR, the newest that the server knows.

-- name: counters
-- This database's counters, and the end of the WAL of the whole server as a number of bytes.
SELECT xact_commit, xact_rollback, blks_hit AS blocks_hit, blks_read AS blocks_read, temp_bytes, deadlocks,
       pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, '0/0'
       )::bigint AS wal_bytes
FROM pg_stat_database
WHERE datname = current_database()

-- name: activity
-- Sessions at work in this database, ours apart, by what they wait for. "hidden" ones belong to users that we may not
-- look at: of them the server tells neither kind, nor state, nor wait.
SELECT
    CASE
        WHEN backend_type IS NULL THEN 'hidden'
        ELSE coalesce(wait_event_type || ':' || wait_event, 'CPU')
    END AS event,
    count(*) AS sessions
FROM pg_stat_activity
WHERE datname = current_database()
    AND pid <> pg_backend_pid()
    AND (
        backend_type IS NULL
        OR (backend_type = 'client backend' AND state IN ('active', 'fastpath function call'))
    )
GROUP BY 1

-- name: io_16
-- Operations on relation files by every process of the server, since PostgreSQL 16.
SELECT coalesce(sum(reads), 0)::bigint AS reads, coalesce(sum(writes), 0)::bigint AS writes,
       coalesce(sum(extends), 0)::bigint AS extends, coalesce(sum(fsyncs), 0)::bigint AS fsyncs
FROM pg_stat_io
WHERE object <> 'wal'

-- name: full_page_images_14
-- Full-page images in the WAL of the whole server, since PostgreSQL 14.
SELECT wal_fpi FROM pg_stat_wal

-- name: checkpoints_13
-- Checkpoints of the whole server, PostgreSQL 13 to 16.
SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter

-- name: checkpoints_17
-- Checkpoints of the whole server, PostgreSQL 17: counts those skipped because nothing was written.
SELECT num_timed + num_requested FROM pg_stat_checkpointer

-- name: checkpoints_18
-- Checkpoints of the whole server, since PostgreSQL 18 those that were carried out.
SELECT num_done FROM pg_stat_checkpointer
