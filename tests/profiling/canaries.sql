-- A production database in which everything that is not its shape is a canary: {c} is the word.
ALTER TABLE goals DROP CONSTRAINT goals_status_check;
DROP VIEW active_goals, user_overview;
DROP INDEX goals_open_idx;
CREATE TYPE "{c}_enum" AS ENUM ('{c}-label-1', '{c}-label-2');
CREATE DOMAIN "{c}_domain" AS text DEFAULT '{c}-domain-default';
ALTER TABLE goals ALTER COLUMN status TYPE "{c}_enum" USING '{c}-label-1';
ALTER TABLE education_goals ALTER COLUMN school_type TYPE "{c}_domain";
ALTER TABLE goals ADD COLUMN "{c} column" text DEFAULT '{c}-default';
ALTER TABLE users ADD COLUMN {c}_ssn text DEFAULT '{c}-ssn';
ALTER TABLE estate_plans DROP COLUMN beneficiaries;
CREATE INDEX "{c}_idx" ON goals ("{c} column", user_id) WHERE type <> '{c}-predicate';
CREATE INDEX "{c}_expression" ON users ((lower(email) || '{c}-expression'));
CREATE TABLE "{c}_table" ("{c}_key" text PRIMARY KEY, "select" text CHECK ("select" <> '{c}-check'));
CREATE SCHEMA "{c}_schema" CREATE TABLE users (id bigint, "{c}" text);
CREATE VIEW "{c}_view" AS SELECT '{c}-view'::text AS "{c}";
COMMENT ON TABLE users IS '{c}-comment';
COMMENT ON COLUMN users.email IS '{c}-comment';

-- Functions that stand in for the system's own wherever a statement does not say which it means.
CREATE FUNCTION public.octet_length(text) RETURNS integer LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{c}-raised'; END $$;
CREATE FUNCTION public.date_trunc(text, timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{c}-raised'; END $$;

INSERT INTO users (id, email, password_hash, created_at, {c}_ssn)
SELECT n, '{c}-' || n || '@example.com', '{c}-hash', timestamp '2024-01-05' + n * interval '3 days', '{c}-ssn-' || n
FROM generate_series(1, 240) AS n;
UPDATE users SET created_at = 'infinity' WHERE id = 1;
UPDATE users SET created_at = '0987-06-05' WHERE id = 2;
INSERT INTO financial_profiles (id, user_id, basic_info, financial_data, calculations, monte_carlo_results)
SELECT n, n, jsonb_build_object('{c}-key', '{c}-value'), jsonb_build_object('{c}', n), '{"net_worth": 918273645}',
       CASE WHEN n % 3 > 0 THEN jsonb_build_object('{c}', repeat('{c}-long ', n)) END
FROM generate_series(1, 240) AS n;
INSERT INTO goals (user_id, type, target_amount, target_date, status)
SELECT 1 + n % 150, '{c}-type', 918273645.19, date '1987-06-05', '{c}-label-1' FROM generate_series(1, 600) AS n;
INSERT INTO goals (user_id, type, target_amount, target_date, status)
SELECT 200, '{c}-type', 1, date '1987-06-05', '{c}-label-2' FROM generate_series(1, 7531) AS n;
INSERT INTO education_goals (user_id, child_name, school_type, costs)
SELECT n, '{c}-child', '{c}-school', '{"{c}": 1}' FROM generate_series(1, 50) AS n;
INSERT INTO estate_plans (user_id, plan_data, documents)
SELECT n, '{"{c}": 1}', '["{c}"]' FROM generate_series(1, 50) AS n;
INSERT INTO chat_messages (user_id, message, response, timestamp)
SELECT 1 + n % 90, '{c}-message', '{c}-response', timestamp '2025-02-01' + n * interval '1 hour'
FROM generate_series(1, 900) AS n;
INSERT INTO user_achievements (user_id, achievement_id) SELECT n, '{c}-achievement' FROM generate_series(1, 80) AS n;
INSERT INTO user_progress (user_id, section, progress_data)
SELECT n, '{c}-section', '{"{c}": 1}' FROM generate_series(1, 80) AS n;
INSERT INTO "{c}_table" SELECT '{c}-row-' || n, 'x' FROM generate_series(1, 20) AS n;
ANALYZE;
