SELECT model_version, seed, users, as_of, chunk_users FROM loadgen.seeding;
