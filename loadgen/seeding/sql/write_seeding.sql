INSERT INTO loadgen.seeding (model_version, seed, users, as_of, chunk_users, shape, ageing_months)
VALUES (%(model_version)s, %(seed)s, %(users)s, %(as_of)s, %(chunk_users)s, %(shape)s::jsonb, %(ageing_months)s);
