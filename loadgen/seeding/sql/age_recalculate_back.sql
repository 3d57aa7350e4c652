UPDATE public.financial_profiles
SET calculations = (calculations || (calculations -> 'before')) - 'before'
WHERE user_id = ANY (%(users)s);
