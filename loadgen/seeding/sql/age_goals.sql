-- Some of each user's open goals, others in another week. Its own reverse.
UPDATE public.goals
SET status = CASE status WHEN 'active' THEN 'in_progress' ELSE 'active' END
WHERE user_id = ANY (%(users)s) AND status IN ('active', 'in_progress') AND mod(id + %(step)s, 3) = 0;
