"""Partition keys of the tables, statements that cannot prune partitions, and the SQL to partition a table."""
