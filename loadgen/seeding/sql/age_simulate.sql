-- As the application stores a simulation: results and calculations together.
UPDATE public.financial_profiles
SET
    monte_carlo_results = monte_carlo_results || '{"again": true}',
    calculations = loadgen.other_figures(calculations, 1 + (user_id * 17 + %(step)s) %% 89 / 1000.0)
WHERE user_id = ANY (%(users)s) AND monte_carlo_results IS NOT NULL;
