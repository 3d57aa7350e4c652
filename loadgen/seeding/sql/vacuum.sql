VACUUM (ANALYZE) public.users, public.financial_profiles, public.goals, public.education_goals, public.estate_plans,
    public.chat_messages, public.user_achievements, public.user_progress;
