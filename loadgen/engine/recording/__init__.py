"""Recording of a process's measurements by second."""
