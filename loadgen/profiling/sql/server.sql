-- What kind of server this is. A database with this tool's bookkeeping is synthetic.
SELECT pg_is_in_recovery(), to_regclass('loadgen.mark') IS NOT NULL
