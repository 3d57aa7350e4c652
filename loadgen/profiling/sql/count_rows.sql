-- Rows of one table, all of it read.
SELECT count(*) FROM {schema}.{table}
