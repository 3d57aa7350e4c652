-- Which database of which server a connection leads to.

-- name: identity
-- The server, by an identifier that its replicas share, and the database in it by its own name.
SELECT system_identifier::text, current_database()::text FROM pg_control_system()

-- name: marked_identity
-- As identity, with mark_time, in one round trip; for a marked database.
SELECT s.system_identifier::text, current_database()::text, (extract(epoch FROM m.marked_at) * 1000000)::bigint::text
FROM loadgen.mark AS m, pg_control_system() AS s

-- name: mark_time
-- When the database was marked, in microseconds since 1970, as text: it tells marked databases apart.
SELECT (extract(epoch FROM marked_at) * 1000000)::bigint::text FROM loadgen.mark

-- name: current_database
-- As identity, where this user may not ask for the server's identifier.
SELECT NULL::text, current_database()::text

-- name: require_database
-- Fails (22012, division by zero) unless this is the database named.
SELECT 1 / (current_database() = {database})::integer

-- name: require_server
-- Fails (22012, division by zero) unless this is the database named, on the server with that identifier.
SELECT 1 / count(*)
FROM pg_control_system()
WHERE current_database() = {database} AND system_identifier::text = {system_identifier}

-- name: require_marked
-- Fails (22012, division by zero; 42P01 where nothing was ever marked) unless this is the marked database named.
SELECT 1 / count(*)
FROM loadgen.mark
WHERE current_database() = {database} AND (extract(epoch FROM marked_at) * 1000000)::bigint::text = {marked_at_us}

-- name: require_marked_server
-- Fails (22012, division by zero; 42P01 where nothing was ever marked) unless this is the marked database named, on the
-- server with that identifier.
SELECT 1 / count(*)
FROM loadgen.mark, pg_control_system()
WHERE current_database() = {database} AND system_identifier::text = {system_identifier}
    AND (extract(epoch FROM marked_at) * 1000000)::bigint::text = {marked_at_us}

-- name: primary_position
-- Which cluster this is, and the end of its write-ahead log.
SELECT (SELECT system_identifier FROM pg_control_system()), pg_current_wal_insert_lsn()::text

-- name: replica_position
-- Whether this is a standby, of which cluster, and whether it has replayed up to a position of the primary's log.
SELECT
    pg_is_in_recovery(),
    (SELECT system_identifier FROM pg_control_system()),
    coalesce(pg_last_wal_replay_lsn() >= %(position)s::text::pg_lsn, false)
