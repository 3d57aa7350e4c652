-- A rule or a trigger on one of our tables that is not of the shipped files: those given as text. A trigger is ours by
-- its name and by what its function says. Disabled ones do nothing; partitions and foreign keys have internal ones.
SELECT format('%%I.%%I', n.nspname, c.relname), hook.kind, quote_ident(hook.name)
FROM (
    SELECT ev_class AS table_oid, 'rule' AS kind, rulename AS name
    FROM pg_rewrite
    WHERE ev_enabled <> 'D'
    UNION ALL
    SELECT t.tgrelid, 'trigger', t.tgname
    FROM pg_trigger AS t
    JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgenabled <> 'D' AND NOT t.tgisinternal
        AND NOT (strpos(%(shipped)s, format('CREATE TRIGGER %%s' || chr(10), t.tgname)) > 0
                 AND strpos(%(shipped)s, p.prosrc) > 0)
) AS hook
JOIN pg_class AS c ON c.oid = hook.table_oid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (n.nspname = 'loadgen' OR (n.nspname = 'public' AND c.relname = ANY (%(tables)s)))
ORDER BY 1, 2, 3
LIMIT 1
