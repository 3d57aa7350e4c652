-- Domains that are reserved for examples (RFC 2606, RFC 6761).
SELECT count(*), count(*) FILTER (WHERE email !~ '@([a-z0-9-]+\.)*(example\.(com|net|org)|[a-z0-9-]+\.(invalid|test))$')
FROM public.users
