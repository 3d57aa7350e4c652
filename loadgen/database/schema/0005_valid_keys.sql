-- Every row has its user. Each table is checked by itself, while the others and users may be read and written.

ALTER TABLE financial_profiles VALIDATE CONSTRAINT financial_profiles_user_id_fkey;
ALTER TABLE goals VALIDATE CONSTRAINT goals_user_id_fkey;
ALTER TABLE education_goals VALIDATE CONSTRAINT education_goals_user_id_fkey;
ALTER TABLE estate_plans VALIDATE CONSTRAINT estate_plans_user_id_fkey;
ALTER TABLE chat_messages VALIDATE CONSTRAINT chat_messages_user_id_fkey;
ALTER TABLE user_achievements VALIDATE CONSTRAINT user_achievements_user_id_fkey;
ALTER TABLE user_progress VALIDATE CONSTRAINT user_progress_user_id_fkey;
