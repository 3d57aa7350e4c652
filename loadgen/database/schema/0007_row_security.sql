-- Row security: the application sees the rows of the user named in app.user_id, and only those.
--
-- Set it with set_config('app.user_id', …, true) inside the transaction: a session-wide SET leaks an identity to the
-- next client of a transaction pooler. The owner of these tables passes their row security; SET ROLE to be held to it.

-- missing_ok, because an unset parameter is otherwise an error; NULLIF, because one that was set in a past transaction
-- of the session reads as '' and not as NULL. Either way: no user, no rows. The planner inlines the function.
CREATE FUNCTION app_user_id() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT NULLIF(current_setting('app.user_id', true), '')::bigint $$;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE financial_profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE goals ENABLE ROW LEVEL SECURITY;
ALTER TABLE education_goals ENABLE ROW LEVEL SECURITY;
ALTER TABLE estate_plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE chat_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_achievements ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_progress ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_rows ON users TO affluvia_app_role
    USING (id = app_user_id()) WITH CHECK (id = app_user_id());
CREATE POLICY own_rows ON financial_profiles TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON goals TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON education_goals TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON estate_plans TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON chat_messages TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON user_achievements TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
CREATE POLICY own_rows ON user_progress TO affluvia_app_role
    USING (user_id = app_user_id()) WITH CHECK (user_id = app_user_id());
