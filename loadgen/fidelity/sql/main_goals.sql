-- The first goal that each user set, by type.
SELECT type, count(*)
FROM (SELECT DISTINCT ON (user_id) user_id, type FROM public.goals ORDER BY user_id, id) AS first
GROUP BY type
