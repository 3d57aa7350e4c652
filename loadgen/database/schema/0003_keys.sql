-- Primary, unique and foreign keys.

ALTER TABLE users
    ADD PRIMARY KEY (id),
    ADD UNIQUE (email);
ALTER TABLE financial_profiles
    ADD PRIMARY KEY (id),
    ADD UNIQUE (user_id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE goals
    ADD PRIMARY KEY (id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE education_goals
    ADD PRIMARY KEY (id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE estate_plans
    ADD PRIMARY KEY (id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE chat_messages
    ADD PRIMARY KEY (id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE user_achievements
    ADD PRIMARY KEY (id),
    ADD UNIQUE (user_id, achievement_id),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE user_progress
    ADD PRIMARY KEY (id),
    ADD UNIQUE (user_id, section),
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
