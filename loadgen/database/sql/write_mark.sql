UPDATE loadgen.mark
SET
    model_version = %(model_version)s,
    seed = %(seed)s,
    users = %(users)s,
    as_of = %(as_of)s,
    chunk_users = %(chunk_users)s,
    ageing_months = %(ageing_months)s,
    shape_sha256 = %(shape_sha256)s,
    seeded_at = %(seeded_at)s,
    drift_baseline = %(drift_baseline)s;
