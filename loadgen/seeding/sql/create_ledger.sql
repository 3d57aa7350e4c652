-- What a seeding is to load, and which parts of it are there. A part's rows and its entry here commit together.

CREATE TABLE IF NOT EXISTS loadgen.seeding (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    model_version text NOT NULL,
    seed          bigint NOT NULL,
    users         bigint NOT NULL,
    as_of         date NOT NULL,
    chunk_users   integer NOT NULL,
    shape         jsonb, -- null: the built-in one
    ageing_months integer NOT NULL,
    planned_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS loadgen.ledger (
    part        text NOT NULL CHECK (part IN ('households', 'chat', 'ageing')),
    chunk       integer NOT NULL,
    first_ids   jsonb NOT NULL, -- by table
    rows        jsonb NOT NULL, -- by table, as planned and as loaded; of ageing, those that died
    below_water integer NOT NULL DEFAULT 0, -- households whose true net worth is below zero
    loaded_at   timestamptz,
    loaded_by   uuid, -- which call of seed
    PRIMARY KEY (part, chunk)
);

CREATE INDEX IF NOT EXISTS ledger_open_idx ON loadgen.ledger (part, chunk) WHERE loaded_at IS NULL;
