SELECT pg_try_advisory_lock(%(class)s::integer, hashtext(%(name)s))
