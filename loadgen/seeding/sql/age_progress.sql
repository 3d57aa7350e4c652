-- One section in four of a user, others in another week. No indexed column: HOT where the page has room.
UPDATE public.user_progress SET progress_data = progress_data || '{"again": true}'
WHERE user_id = ANY (%(users)s) AND mod(id + %(step)s, 4) = 0;
