SELECT id FROM users WHERE email = '{c}-literal'

SELECT id FROM users WHERE email = E'{c}\n' || $${c}$$ || $tag${c}$tag$

SELECT id AS "{c} alias" FROM users /* {c} in a comment */ -- {c}

SELECT "{c} column" FROM goals AS "{c}" WHERE user_id = 918273645

SELECT calculations -> '{c}' FROM financial_profiles LIMIT 1

SELECT "{c}_key" FROM "{c}_table"

WITH {c} AS (SELECT 1 AS {c}) SELECT count(*) FROM {c}, users

SET application_name = '{c}-utility'

SET app.user_id = '{c}'

CREATE TEMP TABLE IF NOT EXISTS {c}_temp (x text DEFAULT '{c}')

DO $$ BEGIN PERFORM '{c}'; END $$

COMMENT ON TABLE goals IS '{c}'

EXPLAIN SELECT id FROM users WHERE email = '{c}'

DECLARE {c}_cursor CURSOR WITH HOLD FOR SELECT id FROM users WHERE email = '{c}'

CLOSE {c}_cursor

PREPARE {c}_prepared AS SELECT id FROM users WHERE email = '{c}'

EXECUTE {c}_prepared

DEALLOCATE {c}_prepared
