UPDATE public.user_progress SET progress_data = progress_data - 'again'
WHERE user_id = ANY (%(users)s) AND mod(id + %(step)s, 4) = 0;
