UPDATE public.financial_profiles
SET
    monte_carlo_results = monte_carlo_results - 'again',
    calculations = (calculations || (calculations -> 'before')) - 'before'
WHERE user_id = ANY (%(users)s) AND monte_carlo_results IS NOT NULL;
