SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()
