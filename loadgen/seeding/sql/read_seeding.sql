SELECT model_version, seed, users, as_of, chunk_users, shape::text, ageing_months FROM loadgen.seeding;
