-- What kind of server this is. A database with this tool's bookkeeping is synthetic; the catalogue says so to anybody.
SELECT
    pg_is_in_recovery(),
    EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'loadgen' AND c.relname = 'mark'
    )
