-- The application's role. Roles belong to the cluster, not to this database, so another database may hold it already
-- or be making it at this moment: both count as done. An advisory lock would not help, it is per database.

DO $$
BEGIN
    CREATE ROLE affluvia_app_role NOLOGIN;
    -- The comment says who made it; drop.sql removes no role that it does not find here.
    COMMENT ON ROLE affluvia_app_role IS 'made by loadgen';
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$;

-- So that SET ROLE works. Since PostgreSQL 16 creating a role no longer includes that.
DO $$
BEGIN
    IF NOT pg_has_role(
        current_user, 'affluvia_app_role',
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
    ) THEN
        GRANT affluvia_app_role TO CURRENT_USER;
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$;

GRANT SELECT, INSERT, UPDATE ON
    users, financial_profiles, goals, education_goals, estate_plans, chat_messages, user_achievements, user_progress
    TO affluvia_app_role;
GRANT USAGE ON SEQUENCE
    users_id_seq, financial_profiles_id_seq, goals_id_seq, education_goals_id_seq, estate_plans_id_seq,
    chat_messages_id_seq, user_achievements_id_seq, user_progress_id_seq
    TO affluvia_app_role;
