-- Sessions at work in this database, ours apart, by what they wait for. "hidden" ones belong to users that we may not
-- look at: of them the server tells neither kind, nor state, nor wait.
SELECT
    CASE
        WHEN backend_type IS NULL THEN 'hidden'
        ELSE coalesce(wait_event_type || ':' || wait_event, 'CPU')
    END AS event,
    count(*) AS sessions
FROM pg_stat_activity
WHERE datname = current_database()
    AND pid <> pg_backend_pid()
    AND (
        backend_type IS NULL
        OR (backend_type = 'client backend' AND state IN ('active', 'fastpath function call'))
    )
GROUP BY 1
