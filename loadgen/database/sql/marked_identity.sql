-- As identity.sql, with mark_time.sql, in one round trip; for a marked database.
SELECT s.system_identifier::text, current_database()::text, (extract(epoch FROM m.marked_at) * 1000000)::bigint::text
FROM loadgen.mark AS m, pg_control_system() AS s
