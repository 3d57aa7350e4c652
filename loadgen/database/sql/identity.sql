-- The server, by an identifier that its replicas share, and the database in it by its own name.
SELECT system_identifier::text, current_database()::text FROM pg_control_system()
