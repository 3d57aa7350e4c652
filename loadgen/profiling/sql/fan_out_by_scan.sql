-- For a table that is small beside the sample: all of it read once.
SELECT r.user_id, count(*) FROM {schema}.{table} AS r GROUP BY r.user_id
