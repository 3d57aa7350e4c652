-- The application's tables before, during and after the load.

-- name: filled_tables
-- Tables of the application that hold a row.
SELECT name
FROM (
    SELECT 'users' AS name, EXISTS (SELECT FROM users) AS filled
    UNION ALL SELECT 'financial_profiles', EXISTS (SELECT FROM financial_profiles)
    UNION ALL SELECT 'goals', EXISTS (SELECT FROM goals)
    UNION ALL SELECT 'education_goals', EXISTS (SELECT FROM education_goals)
    UNION ALL SELECT 'estate_plans', EXISTS (SELECT FROM estate_plans)
    UNION ALL SELECT 'chat_messages', EXISTS (SELECT FROM chat_messages)
    UNION ALL SELECT 'user_achievements', EXISTS (SELECT FROM user_achievements)
    UNION ALL SELECT 'user_progress', EXISTS (SELECT FROM user_progress)
) AS t
WHERE filled
ORDER BY name;

-- name: autovacuum_off
-- Until the load is finished: it would read what is still being written, and take locks that index builds wait for.
-- What it would have done in months of use is part of ageing.

ALTER TABLE public.users SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.financial_profiles SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.goals SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.education_goals SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.estate_plans SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.chat_messages SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.user_achievements SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.user_progress SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);

-- name: drop_keys
-- Keys and indexes go before the load and come back after it: building them once costs a fraction of keeping them.
-- What comes back is the text of the schema's own files, so nothing about them is repeated here.

DO $$
DECLARE
    the_tables CONSTANT regclass[] := ARRAY[
        'public.users', 'public.financial_profiles', 'public.goals', 'public.education_goals', 'public.estate_plans',
        'public.chat_messages', 'public.user_achievements', 'public.user_progress'
    ];
    found record;
BEGIN
    FOR found IN
        SELECT conrelid::regclass AS of_table, conname
        FROM pg_constraint
        WHERE conrelid = ANY (the_tables) AND contype IN ('f', 'u', 'p')
        ORDER BY contype <> 'f' -- foreign keys hold the others
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.of_table, found.conname);
    END LOOP;
    FOR found IN SELECT indexrelid::regclass AS name FROM pg_index WHERE indrelid = ANY (the_tables) LOOP
        EXECUTE format('DROP INDEX %s', found.name);
    END LOOP;
END $$;

-- name: set_sequences
-- The next id of each table follows its last; false where a table is empty, so that the first id is 1.
SELECT
    setval('public.users_id_seq', coalesce((SELECT max(id) FROM users), 1), EXISTS (SELECT FROM users)),
    setval('public.financial_profiles_id_seq', coalesce((SELECT max(id) FROM financial_profiles), 1),
           EXISTS (SELECT FROM financial_profiles)),
    setval('public.goals_id_seq', coalesce((SELECT max(id) FROM goals), 1), EXISTS (SELECT FROM goals)),
    setval('public.education_goals_id_seq', coalesce((SELECT max(id) FROM education_goals), 1),
           EXISTS (SELECT FROM education_goals)),
    setval('public.estate_plans_id_seq', coalesce((SELECT max(id) FROM estate_plans), 1),
           EXISTS (SELECT FROM estate_plans)),
    setval('public.chat_messages_id_seq', coalesce((SELECT max(id) FROM chat_messages), 1),
           EXISTS (SELECT FROM chat_messages)),
    setval('public.user_achievements_id_seq', coalesce((SELECT max(id) FROM user_achievements), 1),
           EXISTS (SELECT FROM user_achievements)),
    setval('public.user_progress_id_seq', coalesce((SELECT max(id) FROM user_progress), 1),
           EXISTS (SELECT FROM user_progress));

-- name: built
-- The application's tables with their bytes, and what there is on them.
WITH tables AS (
    SELECT c.oid, c.relname::text AS name
    FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace
        AND c.relname IN (
            'users', 'financial_profiles', 'goals', 'education_goals', 'estate_plans', 'chat_messages',
            'user_achievements', 'user_progress'
        )
)
SELECT 'table', name, pg_table_size(oid) FROM tables
UNION ALL
SELECT 'index', c.relname, 0 FROM tables AS t JOIN pg_index AS i ON i.indrelid = t.oid JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indisvalid
UNION ALL
SELECT 'constraint', c.conname, 0 FROM tables AS t JOIN pg_constraint AS c ON c.conrelid = t.oid
UNION ALL
SELECT 'valid', c.conname, 0 FROM tables AS t JOIN pg_constraint AS c ON c.conrelid = t.oid WHERE c.convalidated
UNION ALL
-- Of an empty table there never are any, but looking at it again takes no time.
SELECT DISTINCT 'analysed', s.tablename::text, 0 FROM tables AS t JOIN pg_stats AS s ON s.tablename = t.name
WHERE s.schemaname = 'public';

-- name: helpers
-- Processes that the server adds to an index build.
SELECT set_config('max_parallel_maintenance_workers', %(helpers)s, false);

-- name: end_finishers
-- What the server still does for a participant that is gone: this user's own connections of that kind.
SELECT count(pg_terminate_backend(pid, 10000))
FROM pg_stat_activity
WHERE datname = current_database()
    AND usename = current_user
    AND application_name = %(application)s
    AND pid <> pg_backend_pid();

-- name: autovacuum_on
ALTER TABLE public.users RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.financial_profiles RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.goals RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.education_goals RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.estate_plans RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.chat_messages RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.user_achievements RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.user_progress RESET (autovacuum_enabled, toast.autovacuum_enabled);

-- name: checksum_settings
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';

-- name: checksum
-- Rows and a checksum by table that does not depend on their order: the sum, modulo 2^64, of 64 bits of each row's
-- digest. The text of a row depends on the session's TimeZone and DateStyle, which the caller sets.
SELECT
    name,
    count(digest) AS rows,
    lpad(to_hex(mod(coalesce(sum(digest), 0), 4294967296)::bigint), 8, '0') AS low,
    lpad(to_hex(mod(div(coalesce(sum(digest), 0), 4294967296), 4294967296)::bigint), 8, '0') AS high
FROM (
    VALUES
        ('chat_messages'), ('education_goals'), ('estate_plans'), ('financial_profiles'), ('goals'),
        ('user_achievements'), ('user_progress'), ('users')
) AS names (name)
LEFT JOIN (
    SELECT name, ('x' || left(md5(line), 16))::bit(64)::bigint::numeric + 9223372036854775808 AS digest
    FROM (
        SELECT 'chat_messages' AS name, t::text AS line FROM public.chat_messages AS t
        UNION ALL SELECT 'education_goals', t::text FROM public.education_goals AS t
        UNION ALL SELECT 'estate_plans', t::text FROM public.estate_plans AS t
        UNION ALL SELECT 'financial_profiles', t::text FROM public.financial_profiles AS t
        UNION ALL SELECT 'goals', t::text FROM public.goals AS t
        UNION ALL SELECT 'user_achievements', t::text FROM public.user_achievements AS t
        UNION ALL SELECT 'user_progress', t::text FROM public.user_progress AS t
        UNION ALL SELECT 'users', t::text FROM public.users AS t
    ) AS lines
) AS digests USING (name)
GROUP BY name
ORDER BY name;
