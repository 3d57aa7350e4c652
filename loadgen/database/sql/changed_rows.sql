-- Rows inserted, updated and deleted since the statistics began, by table of the application.
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
FROM pg_stat_user_tables
WHERE schemaname = 'public'
    AND relname IN (
        'users', 'financial_profiles', 'goals', 'education_goals', 'estate_plans', 'chat_messages',
        'user_achievements', 'user_progress'
    )
ORDER BY relname;
