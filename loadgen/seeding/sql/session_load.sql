-- A part takes seconds. A participant that is stopped in the middle of one, but whose connection lives, loses it.
SELECT set_config(name, '600000', false) FROM pg_settings WHERE name = 'transaction_timeout';
