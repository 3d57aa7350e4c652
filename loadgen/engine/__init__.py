"""The child's side of a run. Only ``scenario``, ``users``, ``standalone``, ``locust_figures``, ``child`` use locust."""
