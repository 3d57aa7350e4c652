-- Months of use, simulated: each change has its reverse.

-- name: create
-- Messages as they arrive: without a response, which follows. From a range of ids, in the order of their time; returns
-- how many rows died. Deleted and inserted in one transaction, so that their places in the indexes are taken while the
-- new entries come: leaves split as under arrivals at random users.
CREATE OR REPLACE FUNCTION loadgen.replay_chat(first_id bigint, last_id bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    arrived public.chat_messages;
    died bigint := 0;
BEGIN
    FOR arrived IN
        WITH gone AS (DELETE FROM public.chat_messages WHERE id BETWEEN first_id AND last_id RETURNING *)
        SELECT * FROM gone ORDER BY timestamp, id
    LOOP
        INSERT INTO public.chat_messages (id, user_id, message, timestamp)
        VALUES (arrived.id, arrived.user_id, arrived.message, arrived.timestamp);
        died := died + 1;
        IF arrived.response IS NOT NULL THEN
            UPDATE public.chat_messages SET response = arrived.response WHERE id = arrived.id;
            died := died + 1;
        END IF;
    END LOOP;
    RETURN died;
END $$;

-- Figures as they come out a little otherwise; what they were stays beside them, to be put back.
CREATE OR REPLACE FUNCTION loadgen.other_figures(calculations jsonb, factor numeric) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT calculations || coalesce(
        jsonb_object_agg(key, round(value::numeric * factor, 2)) || jsonb_build_object('before', jsonb_object_agg(key, value)),
        '{}'
    )
    FROM jsonb_each(calculations)
    WHERE jsonb_typeof(value) = 'number'
$$;

-- name: is_planned
SELECT EXISTS (SELECT FROM loadgen.ledger WHERE part = 'ageing');

-- name: aged
SELECT count(loaded_at), count(*) FROM loadgen.ledger WHERE part = 'ageing';

-- name: dead_rows
-- Dead rows by table since the last VACUUM of each. A step's closing part names the tables that were vacuumed then.
SELECT r.key, sum(r.value::bigint)::bigint
FROM loadgen.ledger AS l, jsonb_each_text(l.rows) AS r
WHERE l.part = 'ageing'
    AND l.loaded_at IS NOT NULL
    AND l.chunk > coalesce(
        (
            SELECT max(c.chunk)
            FROM loadgen.ledger AS c
            WHERE c.part = 'ageing' AND c.loaded_at IS NOT NULL AND mod(c.chunk + 1, %(stride)s) = 0 AND c.rows ? r.key
        ),
        -1
    )
GROUP BY r.key
ORDER BY r.key;

-- name: users
-- A new version with the same values: as wide as a visit's, and the trigger that dates changes lets it pass.
UPDATE public.users SET updated_at = updated_at WHERE id = ANY (%(users)s);

-- name: recalculate
-- Other figures are other keys of the GIN index: it keeps them, as it would.
UPDATE public.financial_profiles
SET calculations = loadgen.other_figures(calculations, 1 + (user_id * 31 + %(step)s) %% 97 / 1000.0)
WHERE user_id = ANY (%(users)s);

-- name: recalculate_back
UPDATE public.financial_profiles
SET calculations = (calculations || (calculations -> 'before')) - 'before'
WHERE user_id = ANY (%(users)s);

-- name: simulate
-- As the application stores a simulation: results and calculations together.
UPDATE public.financial_profiles
SET
    monte_carlo_results = monte_carlo_results || '{"again": true}',
    calculations = loadgen.other_figures(calculations, 1 + (user_id * 17 + %(step)s) %% 89 / 1000.0)
WHERE user_id = ANY (%(users)s) AND monte_carlo_results IS NOT NULL;

-- name: simulate_back
UPDATE public.financial_profiles
SET
    monte_carlo_results = monte_carlo_results - 'again',
    calculations = (calculations || (calculations -> 'before')) - 'before'
WHERE user_id = ANY (%(users)s) AND monte_carlo_results IS NOT NULL;

-- name: goals
-- Some of each user's open goals, others in another week. Its own reverse.
UPDATE public.goals
SET status = CASE status WHEN 'active' THEN 'in_progress' ELSE 'active' END
WHERE user_id = ANY (%(users)s) AND status IN ('active', 'in_progress') AND mod(id + %(step)s, 3) = 0;

-- name: progress
-- One section in four of a user, others in another week. No indexed column: HOT where the page has room.
UPDATE public.user_progress SET progress_data = progress_data || '{"again": true}'
WHERE user_id = ANY (%(users)s) AND mod(id + %(step)s, 4) = 0;

-- name: progress_back
UPDATE public.user_progress SET progress_data = progress_data - 'again'
WHERE user_id = ANY (%(users)s) AND mod(id + %(step)s, 4) = 0;

-- name: achievements
-- Those earned in the time of the step arrive in their order; the keys' leaves split as they did then.
WITH gone AS (
    DELETE FROM public.user_achievements
    WHERE user_id BETWEEN %(first)s AND %(last)s
        AND earned_at >= to_timestamp(%(begin_us)s / 1e6)
        AND earned_at < to_timestamp(%(end_us)s / 1e6)
    RETURNING *
)
INSERT INTO public.user_achievements (id, user_id, achievement_id, earned_at)
SELECT id, user_id, achievement_id, earned_at FROM gone ORDER BY earned_at, id;

-- name: chat
SELECT loadgen.replay_chat(%(first)s, %(last)s);
