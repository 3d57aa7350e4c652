-- For a table that is missing, or that would take too long.
SELECT u.id, NULL::bigint FROM sampled AS u WHERE false
