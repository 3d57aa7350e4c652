-- Full-page images in the WAL of the whole server, since PostgreSQL 14.
SELECT wal_fpi FROM pg_stat_wal
