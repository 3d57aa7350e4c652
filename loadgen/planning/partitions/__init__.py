"""Keys to partition tables by, statements that lose pruning, and the SQL of a partitioning."""
