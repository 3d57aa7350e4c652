"""The workload block: read from a file, made from what production counted, written."""
