-- One participant at a time plans or finishes a load of this database. The number means nothing. Asked for again and
-- again rather than waited for: a wait would hold a snapshot, and with it rows that a VACUUM could take.
SELECT pg_try_advisory_lock(7310247001);
