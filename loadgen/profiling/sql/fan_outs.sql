-- How many rows a sample of users have in each table, as a histogram: each combination of counts, and how many users
-- share it. Users and rows stay in the server.
WITH sampled AS MATERIALIZED (
    SELECT id
    FROM {schema}.users TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
    LIMIT %(most)s
),
financial_profiles_of (user_id, n) AS MATERIALIZED ({financial_profiles}),
goals_of (user_id, n) AS MATERIALIZED ({goals}),
education_goals_of (user_id, n) AS MATERIALIZED ({education_goals}),
estate_plans_of (user_id, n) AS MATERIALIZED ({estate_plans}),
chat_messages_of (user_id, n) AS MATERIALIZED ({chat_messages}),
user_achievements_of (user_id, n) AS MATERIALIZED ({user_achievements}),
user_progress_of (user_id, n) AS MATERIALIZED ({user_progress})
SELECT
    coalesce(f.n, 0), coalesce(g.n, 0), coalesce(e.n, 0), coalesce(s.n, 0), coalesce(c.n, 0), coalesce(a.n, 0),
    coalesce(p.n, 0), count(*)
FROM sampled AS u
LEFT JOIN financial_profiles_of AS f ON f.user_id = u.id
LEFT JOIN goals_of AS g ON g.user_id = u.id
LEFT JOIN education_goals_of AS e ON e.user_id = u.id
LEFT JOIN estate_plans_of AS s ON s.user_id = u.id
LEFT JOIN chat_messages_of AS c ON c.user_id = u.id
LEFT JOIN user_achievements_of AS a ON a.user_id = u.id
LEFT JOIN user_progress_of AS p ON p.user_id = u.id
GROUP BY 1, 2, 3, 4, 5, 6, 7
