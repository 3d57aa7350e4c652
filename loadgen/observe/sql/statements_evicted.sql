-- How often pg_stat_statements forgot statements because its table was full.
SELECT dealloc FROM {schema}.pg_stat_statements_info
