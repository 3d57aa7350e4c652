-- Held to the end of the session.
SELECT pg_advisory_lock_shared(%(class)s::integer, %(key)s::integer)
