-- What a year costs in the education goals, by school type.
SELECT
    school_type, count(*),
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY (costs ->> 'yearly_cost')::float8)
FROM public.education_goals
GROUP BY school_type
