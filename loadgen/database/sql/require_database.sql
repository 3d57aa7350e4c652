-- Fails (22012, division by zero) unless this is the database named.
SELECT 1 / (current_database() = {database})::integer
