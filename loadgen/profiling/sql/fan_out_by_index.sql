-- For a large table with an index that begins with user_id: one look a sampled user.
SELECT u.id, (SELECT count(*) FROM {schema}.{table} AS r WHERE r.user_id = u.id) FROM sampled AS u
