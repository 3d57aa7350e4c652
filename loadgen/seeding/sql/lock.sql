-- One participant at a time plans or finishes a load of this database. The number means nothing.
SELECT pg_advisory_lock(7310247001);
