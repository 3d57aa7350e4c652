-- Everything that schema/*.sql made, and nothing else: no CASCADE on the application's tables, so that an object of
-- somebody else's that hangs on them stops this instead of going with them.

-- A client in the middle of a transaction is an error after a while, not a wait for ever.
SET LOCAL lock_timeout = '5s';

DROP VIEW IF EXISTS public.retirement_readiness, public.active_goals, public.user_overview;
DROP TABLE IF EXISTS
    public.user_progress, public.user_achievements, public.chat_messages, public.estate_plans, public.education_goals,
    public.goals, public.financial_profiles, public.users;
DROP FUNCTION IF EXISTS public.touch_updated_at(), public.app_user_id();
DROP SCHEMA IF EXISTS loadgen CASCADE;
