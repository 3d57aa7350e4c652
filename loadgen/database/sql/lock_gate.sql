-- Held to the end of the transaction, while it is looked at who uses the database.
SELECT pg_advisory_xact_lock(%(class)s::integer, %(key)s::integer)
