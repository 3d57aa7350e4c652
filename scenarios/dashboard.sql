-- The statements of dashboard.py, as the application sends them.

-- name: profile_summary (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT basic_info ->> 'first_name' AS first_name, calculations, optimization_variables -> 'retirement_age' AS retirement_age
FROM financial_profiles
WHERE user_id = $1

-- name: open_goals (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT id, type, target_amount, target_date, status
FROM goals
WHERE user_id = $1 AND status IN ('active', 'in_progress')
ORDER BY target_date

-- name: all_goals (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT id, type, target_amount, target_date, status
FROM goals
WHERE user_id = $1
ORDER BY status, target_date

-- name: progress_overview (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT section, progress_data
FROM user_progress
WHERE user_id = $1

-- name: achievements (read, rows 0..10)
-- $1 user_id bigint = active_user
SELECT achievement_id, earned_at
FROM user_achievements
WHERE user_id = $1
ORDER BY earned_at DESC
LIMIT 10

-- name: latest_messages (read, rows 0..20)
-- $1 user_id bigint = active_user
SELECT id, message, response, timestamp
FROM chat_messages
WHERE user_id = $1
ORDER BY timestamp DESC
LIMIT 20

-- name: cash_flow (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT financial_data, calculations -> 'cash_flow' AS cash_flow, calculations -> 'tax' AS tax
FROM financial_profiles
WHERE user_id = $1

-- name: retirement_projection (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT monte_carlo_results, optimization_variables, calculations -> 'retirement_score' AS retirement_score
FROM financial_profiles
WHERE user_id = $1 AND monte_carlo_results IS NOT NULL

-- name: education (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT id, child_name, school_type, costs
FROM education_goals
WHERE user_id = $1

-- name: estate (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT plan_data, documents, beneficiaries
FROM estate_plans
WHERE user_id = $1

-- name: save_progress (write, rows 1)
-- $1 user_id bigint = active_user
-- $2 section text = section
-- $3 progress_data jsonb = progress
INSERT INTO user_progress (user_id, section, progress_data)
VALUES ($1, $2, $3)
ON CONFLICT (user_id, section) DO UPDATE SET progress_data = EXCLUDED.progress_data

-- name: ask_question (write, rows 1)
-- $1 user_id bigint = active_user
-- $2 message text = question
INSERT INTO chat_messages (user_id, message)
VALUES ($1, $2)
