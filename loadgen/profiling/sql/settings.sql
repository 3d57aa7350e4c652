-- Settings by name, as they were before this tool set some for itself; those that are free text are left out even if
-- they are asked for.
SELECT name, reset_val, coalesce(unit, '')
FROM pg_settings
WHERE name = ANY(%(names)s) AND vartype IN ('bool', 'integer', 'real', 'enum')
ORDER BY name
