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
