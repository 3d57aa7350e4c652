SELECT
    m.marked_at,
    (SELECT max(s.version) FROM loadgen.schema_migrations AS s) AS schema_version,
    m.model_version,
    m.seed,
    m.users,
    m.as_of,
    m.chunk_users,
    m.ageing_months,
    m.shape_sha256,
    m.seeded_at,
    m.drift_baseline
FROM loadgen.mark AS m;
