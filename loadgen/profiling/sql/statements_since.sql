-- For how many days statements have been counted; from PostgreSQL 14 on.
SELECT extract(epoch FROM now() - stats_reset)::float8 / 86400 FROM {place}.pg_stat_statements_info
