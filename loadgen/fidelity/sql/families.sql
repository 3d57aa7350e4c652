-- Who lives in the households: how many there are of each kind. A profile without a key counts to nothing of it; one
-- without its size has as many persons as it names.
WITH family AS (
    SELECT
        (basic_info ->> 'age')::int AS age,
        (basic_info ->> 'retirement_age')::int AS retirement_age,
        basic_info ->> 'marital_status' = 'married' AS married,
        coalesce((basic_info ->> 'dependents')::int, 0) AS minors,
        (basic_info ->> 'household_size')::int AS household_size,
        CASE jsonb_typeof(basic_info -> 'children') WHEN 'array' THEN jsonb_array_length(basic_info -> 'children')
             ELSE 0 END AS children,
        (basic_info ->> 'has_will')::boolean AS has_will,
        (basic_info ->> 'has_trust')::boolean AS has_trust
    FROM public.financial_profiles
), persons AS (
    SELECT *, coalesce(household_size, 1 + coalesce(married::int, 0) + children) AS persons FROM family
)
SELECT
    age, retirement_age,
    count(*) AS households,
    count(*) FILTER (WHERE married) AS married,
    count(*) FILTER (WHERE married AND minors > 0) AS married_with_minor,
    count(*) FILTER (WHERE persons = 1) AS one_person,
    sum(persons)::float8 AS persons,
    sum(persons * persons)::float8 AS persons_squared,
    count(has_will) AS will_known, count(*) FILTER (WHERE has_will) AS will,
    count(has_trust) AS trust_known, count(*) FILTER (WHERE has_trust) AS trust
FROM persons
GROUP BY age, retirement_age
