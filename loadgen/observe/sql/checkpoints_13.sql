-- Checkpoints of the whole server, PostgreSQL 13 to 16.
SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter
