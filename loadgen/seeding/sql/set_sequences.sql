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
