-- Fails (22012, division by zero) unless this is the database named, on the server with that identifier.
SELECT 1 / count(*)
FROM pg_control_system()
WHERE current_database() = {database} AND system_identifier::text = {system_identifier}
