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
