-- Longer than any profile waits.
SELECT pg_sleep(20)
