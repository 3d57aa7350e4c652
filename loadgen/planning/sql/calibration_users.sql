-- Users at given places, from 0 to 1, of the range of ids: the same people on any copy of the data.
SELECT DISTINCT (
    SELECT users.id FROM public.users
    WHERE users.id >= range.least + floor((range.most - range.least) * place)::bigint
    ORDER BY users.id
    LIMIT 1
) AS id
FROM (SELECT min(id) AS least, max(id) AS most FROM public.users) AS range, unnest(%(places)s::float8[]) AS place
WHERE range.least IS NOT NULL
ORDER BY id
