SELECT to_regclass('loadgen.seeding') IS NOT NULL AND to_regclass('loadgen.ledger') IS NOT NULL;
