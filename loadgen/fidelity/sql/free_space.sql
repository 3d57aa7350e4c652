SELECT dead_tuple_count, approx_free_percent / 100
FROM {schema}.pgstattuple_approx('public.' || {name})
