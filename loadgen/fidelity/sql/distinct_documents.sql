-- By a hash of 64 bits: at ten million documents two different ones share it with a chance of 3 in a million.
SELECT count({column}), count({column}) - count(DISTINCT jsonb_hash_extended({column}, 0)) FROM public.{table}
