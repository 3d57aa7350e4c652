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
