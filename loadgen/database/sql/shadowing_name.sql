-- As shadowing_table.sql, where what was created is not recorded: ours are in the schema public.
SELECT 'public.' || t.name, (pg_identify_object('pg_class'::regclass, c.oid, 0)).identity
FROM unnest(%(tables)s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(t.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname <> 'public'
LIMIT 1
