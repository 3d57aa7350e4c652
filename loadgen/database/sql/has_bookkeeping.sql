SELECT to_regclass('loadgen.mark') IS NOT NULL AND to_regclass('loadgen.schema_migrations') IS NOT NULL;
