SELECT to_regclass('loadgen.created_objects') IS NOT NULL
