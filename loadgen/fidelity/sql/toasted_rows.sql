-- Rows with a value out of line, found without fetching it.
SELECT count(*) FILTER (WHERE {any_toasted}) FROM public.{table}
