-- Checkpoints of the whole server, PostgreSQL 17: counts those skipped because nothing was written.
SELECT num_timed + num_requested FROM pg_stat_checkpointer
