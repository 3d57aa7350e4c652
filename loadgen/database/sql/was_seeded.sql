SELECT to_regclass('loadgen.seeding') IS NOT NULL
