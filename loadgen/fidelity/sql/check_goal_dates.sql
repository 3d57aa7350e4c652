-- What is open lies ahead of the day the data stand for, what was completed does not.
SELECT
    count(*),
    count(*) FILTER (
        WHERE CASE WHEN status IN ('active', 'in_progress') THEN target_date <= %(as_of)s
                   ELSE status = 'completed' AND target_date > %(as_of)s END
    )
FROM public.goals
