-- What this tool knows about the database. Its presence, with a row in mark, is the permission to write.

CREATE SCHEMA loadgen;

CREATE TABLE loadgen.schema_migrations (
    version    text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE loadgen.mark (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    marked_at      timestamptz NOT NULL DEFAULT now(),
    model_version  text,
    seed           bigint,
    users          bigint,
    as_of          date,
    chunk_users    integer,
    ageing_months  integer, -- 0: loaded and left so
    shape_sha256   text, -- null: the built-in shape
    seeded_at      timestamptz,
    drift_baseline jsonb NOT NULL DEFAULT '{}'
);

-- In the same transaction as the schema itself: an initialisation that stops later is still recognised as ours.
INSERT INTO loadgen.mark DEFAULT VALUES;
