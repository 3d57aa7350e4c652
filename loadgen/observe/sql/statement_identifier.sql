-- Planned, not run: its plan says "Query Identifier", which is pg_stat_statements' queryid.
EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE {name} {arguments}
