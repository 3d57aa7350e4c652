-- How many users have how many rows; users without any are not among them.
SELECT n, count(*)
FROM (SELECT count(*) AS n FROM public.{table} GROUP BY user_id) AS by_user
GROUP BY n
ORDER BY n
