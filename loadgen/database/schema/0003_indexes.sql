-- Every index, those of the keys included. Each is a statement of its own, because a load builds many at a time:
-- CREATE INDEX lets others build on the same table, and ADD PRIMARY KEY would not.

CREATE UNIQUE INDEX users_pkey ON users (id);
CREATE UNIQUE INDEX users_email_key ON users (email);
-- Growth: users by month.
CREATE INDEX users_created_at_idx ON users (created_at);

CREATE UNIQUE INDEX financial_profiles_pkey ON financial_profiles (id);
CREATE UNIQUE INDEX financial_profiles_user_id_key ON financial_profiles (user_id);
-- Containment searches over results. Every rewrite of calculations loses HOT and feeds this index's pending list:
-- that is the cost of the write-heavy load, and it is meant to be there.
CREATE INDEX financial_profiles_calculations_idx ON financial_profiles USING gin (calculations);
CREATE INDEX financial_profiles_simulated_idx ON financial_profiles (user_id) WHERE monte_carlo_results IS NOT NULL;

-- A foreign key has no index of its own: without one on user_id every deletion of a user scans the table.
CREATE UNIQUE INDEX goals_pkey ON goals (id);
CREATE INDEX goals_user_id_idx ON goals (user_id);
CREATE INDEX goals_open_idx ON goals (user_id, status) WHERE status IN ('active', 'in_progress');

CREATE UNIQUE INDEX education_goals_pkey ON education_goals (id);
CREATE INDEX education_goals_user_id_idx ON education_goals (user_id);

CREATE UNIQUE INDEX estate_plans_pkey ON estate_plans (id);
CREATE INDEX estate_plans_user_id_idx ON estate_plans (user_id);

CREATE UNIQUE INDEX chat_messages_pkey ON chat_messages (id);
-- The newest messages of one user, in order, from the index alone.
CREATE INDEX chat_messages_user_id_timestamp_idx ON chat_messages (user_id, timestamp);

-- The unique keys start with user_id and serve the foreign key too.
CREATE UNIQUE INDEX user_achievements_pkey ON user_achievements (id);
CREATE UNIQUE INDEX user_achievements_user_id_achievement_id_key ON user_achievements (user_id, achievement_id);

CREATE UNIQUE INDEX user_progress_pkey ON user_progress (id);
CREATE UNIQUE INDEX user_progress_user_id_section_key ON user_progress (user_id, section);
