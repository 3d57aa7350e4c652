-- Checkpoints of the whole server, since PostgreSQL 18 those that were carried out.
SELECT num_done FROM pg_stat_checkpointer
