-- Processes that the server adds to an index build.
SELECT set_config('max_parallel_maintenance_workers', %(helpers)s, false);
