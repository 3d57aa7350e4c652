SELECT pg_advisory_unlock(7310247001);
