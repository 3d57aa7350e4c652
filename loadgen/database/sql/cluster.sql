-- A new embedded server, in single-user mode: a command a line.

-- name: bootstrap
CREATE EXTENSION pg_stat_statements;
CREATE DATABASE affluvia;
