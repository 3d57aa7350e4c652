"""The child's side of a run. Only ``scenario``, ``users``, ``standalone`` and ``child`` import locust."""
