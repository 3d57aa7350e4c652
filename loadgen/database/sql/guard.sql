-- The mark of a database, and what stands in the way of writing to it.

-- name: read_mark
SELECT
    m.marked_at,
    (SELECT max(s.version) FROM loadgen.schema_migrations AS s) AS schema_version,
    m.model_version,
    m.seed,
    m.users,
    m.as_of,
    m.chunk_users,
    m.ageing_months,
    m.shape_sha256,
    m.seeded_at,
    m.drift_baseline
FROM loadgen.mark AS m;

-- name: write_mark
UPDATE loadgen.mark
SET
    model_version = %(model_version)s,
    seed = %(seed)s,
    users = %(users)s,
    as_of = %(as_of)s,
    chunk_users = %(chunk_users)s,
    ageing_months = %(ageing_months)s,
    shape_sha256 = %(shape_sha256)s,
    seeded_at = %(seeded_at)s,
    drift_baseline = %(drift_baseline)s;

-- name: user_relations
-- Tables, views and the like that belong neither to the system nor to an extension: none means an empty database.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY 1
LIMIT 3;

-- name: shadowing_table
-- A table or view that a statement would reach in place of one of ours: another schema comes first in this session's
-- search_path, or ours was renamed.
SELECT o.name, (pg_identify_object('pg_class'::regclass, r.reached, 0)).identity
FROM loadgen.created_objects AS o
CROSS JOIN LATERAL (SELECT to_regclass(regexp_replace(o.name, '^public\.', ''))::oid AS reached) AS r
WHERE o.columns IS NOT NULL AND o.name ~ '^public\.' AND r.reached <> o.objid
LIMIT 1

-- name: shadowing_name
-- As shadowing_table, where what was created is not recorded: ours are in the schema public.
SELECT 'public.' || t.name, (pg_identify_object('pg_class'::regclass, c.oid, 0)).identity
FROM unnest(%(tables)s::text[]) AS t (name)
JOIN pg_class AS c ON c.oid = to_regclass(t.name)
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname <> 'public'
LIMIT 1

-- name: foreign_hooks
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

-- name: changed_rows
-- Rows inserted, updated and deleted since the statistics began, by table of the application.
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_user_tables
WHERE schemaname = 'public'
    AND relname IN (
        'users', 'financial_profiles', 'goals', 'education_goals', 'estate_plans', 'chat_messages',
        'user_achievements', 'user_progress'
    )
ORDER BY relname;

-- name: lock_initialisation
-- Two initialisations of one database wait for each other. The number is arbitrary: "affluvia" in ASCII.
SELECT pg_advisory_lock(7018409685316692321);

-- name: unlock_initialisation
SELECT pg_advisory_unlock(7018409685316692321);
