-- When the database was marked, in microseconds since 1970, as text: it tells marked databases apart.
SELECT (extract(epoch FROM marked_at) * 1000000)::bigint::text FROM loadgen.mark
