-- Fails (22012, division by zero; 42P01 where nothing was ever marked) unless this is the marked database named, on the
-- server with that identifier.
SELECT 1 / count(*)
FROM loadgen.mark, pg_control_system()
WHERE current_database() = {database} AND system_identifier::text = {system_identifier}
    AND (extract(epoch FROM marked_at) * 1000000)::bigint::text = {marked_at_us}
