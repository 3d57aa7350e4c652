ALTER TABLE public.users RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.financial_profiles RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.goals RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.education_goals RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.estate_plans RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.chat_messages RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.user_achievements RESET (autovacuum_enabled, toast.autovacuum_enabled);
ALTER TABLE public.user_progress RESET (autovacuum_enabled, toast.autovacuum_enabled);
