-- Until the load is finished: it would read what is still being written, and take locks that index builds wait for.
-- What it would have done in months of use is part of ageing.

ALTER TABLE public.users SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.financial_profiles SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.goals SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.education_goals SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.estate_plans SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.chat_messages SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.user_achievements SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE public.user_progress SET (autovacuum_enabled = false, toast.autovacuum_enabled = false);
