-- Users that no seeding and no load made: theirs have addresses on domains that are reserved for examples (RFC 2606).
SELECT count(*) FROM public.users WHERE email !~ '@example\.(com|org|net)$'
