"""Ordinary locustfiles, each with its statements in the .sql file beside it. Copy the shortest to write your own."""
