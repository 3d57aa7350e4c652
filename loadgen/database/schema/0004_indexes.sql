-- Indexes that the application's queries need. A foreign key has none of its own: without one on user_id every
-- deletion of a user scans the table.

-- Growth: users by month.
CREATE INDEX users_created_at_idx ON users (created_at);

-- Containment searches over results. Every rewrite of calculations loses HOT and feeds this index's pending list:
-- that is the cost of the write-heavy load, and it is meant to be there.
CREATE INDEX financial_profiles_calculations_idx ON financial_profiles USING gin (calculations);
CREATE INDEX financial_profiles_simulated_idx ON financial_profiles (user_id) WHERE monte_carlo_results IS NOT NULL;

CREATE INDEX goals_user_id_idx ON goals (user_id);
CREATE INDEX goals_open_idx ON goals (user_id, status) WHERE status IN ('active', 'in_progress');
CREATE INDEX education_goals_user_id_idx ON education_goals (user_id);
CREATE INDEX estate_plans_user_id_idx ON estate_plans (user_id);
-- The newest messages of one user, in order, from the index alone.
CREATE INDEX chat_messages_user_id_timestamp_idx ON chat_messages (user_id, timestamp);
-- user_achievements and user_progress are covered by their unique keys, which start with user_id.
