-- What every connection of a seeding wants. A participant whose machine is gone must not hold its part for hours: its
-- server process notices a dead network within half a minute, and a client that does nothing within two. Limits that
-- this user or database may have for queries are not meant for a load. Servers differ in what they know.
SELECT set_config(name, wanted.value, false)
FROM pg_settings
JOIN (
    VALUES
        ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '25000'), ('idle_in_transaction_session_timeout', '120000'), ('idle_session_timeout', '0'),
        ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'), ('search_path', 'public')
) AS wanted (name, value) USING (name);

-- In the middle of a long statement too, where the server's system can tell.
DO $$
BEGIN
    PERFORM set_config('client_connection_check_interval', '2000', false);
EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
END $$;
