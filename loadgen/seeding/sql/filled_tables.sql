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
