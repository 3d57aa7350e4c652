-- What the statistics system counts; it lags by about a second and begins anew after a crash.
SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'public'
