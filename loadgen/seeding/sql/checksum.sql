-- Rows and a checksum by table that does not depend on their order: the sum, modulo 2^64, of 64 bits of each row's
-- digest. The text of a row depends on the session's TimeZone and DateStyle, which the caller sets.
SELECT
    name,
    count(digest) AS rows,
    lpad(to_hex(mod(coalesce(sum(digest), 0), 4294967296)::bigint), 8, '0') AS low,
    lpad(to_hex(mod(div(coalesce(sum(digest), 0), 4294967296), 4294967296)::bigint), 8, '0') AS high
FROM (
    VALUES
        ('chat_messages'), ('education_goals'), ('estate_plans'), ('financial_profiles'), ('goals'),
        ('user_achievements'), ('user_progress'), ('users')
) AS names (name)
LEFT JOIN (
    SELECT name, ('x' || left(md5(line), 16))::bit(64)::bigint::numeric + 9223372036854775808 AS digest
    FROM (
        SELECT 'chat_messages' AS name, t::text AS line FROM public.chat_messages AS t
        UNION ALL SELECT 'education_goals', t::text FROM public.education_goals AS t
        UNION ALL SELECT 'estate_plans', t::text FROM public.estate_plans AS t
        UNION ALL SELECT 'financial_profiles', t::text FROM public.financial_profiles AS t
        UNION ALL SELECT 'goals', t::text FROM public.goals AS t
        UNION ALL SELECT 'user_achievements', t::text FROM public.user_achievements AS t
        UNION ALL SELECT 'user_progress', t::text FROM public.user_progress AS t
        UNION ALL SELECT 'users', t::text FROM public.users AS t
    ) AS lines
) AS digests USING (name)
GROUP BY name
ORDER BY name;
