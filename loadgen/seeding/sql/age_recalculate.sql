-- Other figures are other keys of the GIN index: it keeps them, as it would.
UPDATE public.financial_profiles
SET calculations = loadgen.other_figures(calculations, 1 + (user_id * 31 + %(step)s) %% 97 / 1000.0)
WHERE user_id = ANY (%(users)s);
