INSERT INTO loadgen.seeding (model_version, seed, users, as_of, chunk_users)
VALUES (%(model_version)s, %(seed)s, %(users)s, %(as_of)s, %(chunk_users)s);
