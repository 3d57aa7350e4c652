-- As identity.sql, where this user may not ask for the server's identifier.
SELECT NULL::text, current_database()::text
