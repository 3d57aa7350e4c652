SELECT pg_advisory_unlock(%(class)s::integer, hashtext(%(name)s))
