CREATE EXTENSION pg_stat_statements;
CREATE DATABASE affluvia;
