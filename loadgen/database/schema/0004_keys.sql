-- Primary and unique keys take over their indexes, in no time; foreign keys hold for new rows from here on. The old ones
-- are checked by the next file: NOT VALID first, because ADD FOREIGN KEY would lock users for as long as it reads.

ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey;
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;
ALTER TABLE financial_profiles
    ADD CONSTRAINT financial_profiles_pkey PRIMARY KEY USING INDEX financial_profiles_pkey;
ALTER TABLE financial_profiles
    ADD CONSTRAINT financial_profiles_user_id_key UNIQUE USING INDEX financial_profiles_user_id_key;
ALTER TABLE goals ADD CONSTRAINT goals_pkey PRIMARY KEY USING INDEX goals_pkey;
ALTER TABLE education_goals ADD CONSTRAINT education_goals_pkey PRIMARY KEY USING INDEX education_goals_pkey;
ALTER TABLE estate_plans ADD CONSTRAINT estate_plans_pkey PRIMARY KEY USING INDEX estate_plans_pkey;
ALTER TABLE chat_messages ADD CONSTRAINT chat_messages_pkey PRIMARY KEY USING INDEX chat_messages_pkey;
ALTER TABLE user_achievements
    ADD CONSTRAINT user_achievements_pkey PRIMARY KEY USING INDEX user_achievements_pkey;
ALTER TABLE user_achievements
    ADD CONSTRAINT user_achievements_user_id_achievement_id_key UNIQUE USING INDEX user_achievements_user_id_achievement_id_key;
ALTER TABLE user_progress ADD CONSTRAINT user_progress_pkey PRIMARY KEY USING INDEX user_progress_pkey;
ALTER TABLE user_progress
    ADD CONSTRAINT user_progress_user_id_section_key UNIQUE USING INDEX user_progress_user_id_section_key;

ALTER TABLE financial_profiles ADD CONSTRAINT financial_profiles_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE goals ADD CONSTRAINT goals_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE education_goals ADD CONSTRAINT education_goals_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE estate_plans ADD CONSTRAINT estate_plans_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE chat_messages ADD CONSTRAINT chat_messages_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE user_achievements ADD CONSTRAINT user_achievements_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
ALTER TABLE user_progress ADD CONSTRAINT user_progress_user_id_fkey
    FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;
