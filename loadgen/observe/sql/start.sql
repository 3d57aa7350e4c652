-- When the server started, and since when it has its statistics: a crash throws them away, an orderly shutdown keeps them.
SELECT extract(epoch FROM pg_postmaster_start_time())::float8 AS started_s,
       (SELECT extract(epoch FROM stats_reset)::float8 FROM pg_stat_bgwriter) AS statistics_since_s
