-- This session's counters of changed rows reach the others' view when its transaction ends, not up to a second later.
SELECT pg_stat_force_next_flush();
