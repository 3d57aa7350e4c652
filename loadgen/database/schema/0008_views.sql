-- Views for analysis across tables. security_invoker: without it a view reads with its owner's rights and would show
-- every user's rows to the application's role.

CREATE VIEW user_overview WITH (security_invoker) AS
SELECT
    u.id AS user_id,
    u.created_at,
    (p.basic_info ->> 'age')::int AS age,
    (p.calculations ->> 'net_worth')::numeric AS net_worth,
    (p.calculations ->> 'retirement_score')::numeric AS retirement_score,
    (p.monte_carlo_results ->> 'success_probability')::numeric AS success_probability,
    (SELECT count(*) FROM goals AS g
     WHERE g.user_id = u.id AND g.status IN ('active', 'in_progress')) AS open_goals,
    (SELECT count(*) FROM education_goals AS e WHERE e.user_id = u.id) AS education_goals,
    EXISTS (SELECT FROM estate_plans AS s WHERE s.user_id = u.id) AS has_estate_plan,
    (SELECT max(c.timestamp) FROM chat_messages AS c WHERE c.user_id = u.id) AS last_message_at
FROM users AS u
LEFT JOIN financial_profiles AS p ON p.user_id = u.id;

CREATE VIEW active_goals WITH (security_invoker) AS
SELECT
    g.id,
    g.user_id,
    g.type,
    g.status,
    g.target_amount,
    g.target_date,
    (p.calculations ->> 'net_worth')::numeric AS net_worth
FROM goals AS g
LEFT JOIN financial_profiles AS p ON p.user_id = g.user_id
WHERE g.status IN ('active', 'in_progress');

-- Bands of ten years, named by their first; profiles without an age stand in a band of null.
CREATE VIEW retirement_readiness WITH (security_invoker) AS
SELECT
    (p.basic_info ->> 'age')::int / 10 * 10 AS age_band_from,
    count(*) AS profiles,
    count(p.monte_carlo_results) AS simulated,
    avg((p.monte_carlo_results ->> 'success_probability')::numeric) AS mean_success_probability,
    avg((p.calculations ->> 'retirement_score')::numeric) AS mean_retirement_score,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (p.calculations ->> 'net_worth')::float8) AS median_net_worth
FROM financial_profiles AS p
GROUP BY 1;

GRANT SELECT ON user_overview, active_goals, retirement_readiness TO affluvia_app_role;
