-- Heap with its free-space and visibility maps, TOAST with its index, indexes, and the rows that are visible now.
WITH counted (name, row_count) AS (
    SELECT 'users', count(*) FROM public.users
    UNION ALL SELECT 'financial_profiles', count(*) FROM public.financial_profiles
    UNION ALL SELECT 'goals', count(*) FROM public.goals
    UNION ALL SELECT 'education_goals', count(*) FROM public.education_goals
    UNION ALL SELECT 'estate_plans', count(*) FROM public.estate_plans
    UNION ALL SELECT 'chat_messages', count(*) FROM public.chat_messages
    UNION ALL SELECT 'user_achievements', count(*) FROM public.user_achievements
    UNION ALL SELECT 'user_progress', count(*) FROM public.user_progress
), toasted AS (
    SELECT counted.*, pg_class.oid,
           coalesce(pg_total_relation_size(nullif(pg_class.reltoastrelid, 0)), 0) AS toast_bytes
    FROM counted
    JOIN pg_class ON pg_class.oid = to_regclass('public.' || counted.name)
)
SELECT name, row_count AS rows, pg_table_size(oid) - toast_bytes AS heap_bytes, toast_bytes,
       pg_indexes_size(oid) AS index_bytes
FROM toasted
ORDER BY name
