-- The ledger: what a seeding is to load, and which parts of it are there.

-- name: has_ledger
SELECT to_regclass('loadgen.seeding') IS NOT NULL AND to_regclass('loadgen.ledger') IS NOT NULL;

-- name: create_ledger
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

-- name: read_seeding
SELECT model_version, seed, users, as_of, chunk_users, shape::text, ageing_months FROM loadgen.seeding;

-- name: write_seeding
INSERT INTO loadgen.seeding (model_version, seed, users, as_of, chunk_users, shape, ageing_months)
VALUES (%(model_version)s, %(seed)s, %(users)s, %(as_of)s, %(chunk_users)s, %(shape)s::jsonb, %(ageing_months)s);

-- name: plan_part
COPY loadgen.ledger (part, chunk, first_ids, rows) FROM STDIN;

-- name: analyze_ledger
ANALYZE loadgen.ledger;

-- name: claim
-- The next part, from a chunk on, that nobody works on. The lock on its row is the claim: it ends with the transaction,
-- so the part of a participant who dies is free again. From a chunk on, because what was loaded lately stays in the
-- index as dead entries: a search from its beginning would pass all of them, and each claim take longer than the last.
SELECT part, chunk, first_ids, rows
FROM loadgen.ledger
WHERE loaded_at IS NULL AND part = %(part)s AND chunk >= %(first)s AND chunk <= %(last)s
ORDER BY part, chunk
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: enter
UPDATE loadgen.ledger
SET
    loaded_at = clock_timestamp(),
    loaded_by = %(by)s,
    below_water = %(below_water)s,
    rows = coalesce(%(rows)s::jsonb, rows)
WHERE part = %(part)s AND chunk = %(chunk)s;

-- name: loaded
SELECT
    count(*) AS parts,
    count(loaded_at) AS parts_loaded,
    coalesce(sum((rows ->> 'users')::bigint) FILTER (WHERE loaded_at IS NOT NULL), 0)::bigint AS users_loaded,
    coalesce(sum((rows ->> 'users')::bigint) FILTER (WHERE loaded_by = %(by)s::uuid), 0)::bigint AS users_loaded_here,
    coalesce(sum((rows ->> 'chat_messages')::bigint), 0)::bigint AS messages,
    coalesce(sum((rows ->> 'chat_messages')::bigint) FILTER (WHERE loaded_at IS NOT NULL), 0)::bigint AS messages_loaded,
    coalesce(sum(below_water), 0)::bigint AS below_water
FROM loadgen.ledger
WHERE part <> 'ageing';

-- name: all_loaded
SELECT NOT EXISTS (
    SELECT FROM loadgen.ledger
    WHERE loaded_at IS NULL AND part = ANY (%(parts)s) AND chunk >= %(first)s AND chunk <= %(last)s
);

-- name: planned_rows
-- Rows by table, of the whole plan.
SELECT r.key, sum(r.value::bigint)::bigint
FROM loadgen.ledger AS l, jsonb_each_text(l.rows) AS r
WHERE l.part <> 'ageing'
GROUP BY r.key
ORDER BY r.key;

-- name: lock
-- One participant at a time plans or finishes a load of this database. The number means nothing. Asked for again and
-- again rather than waited for: a wait would hold a snapshot, and with it rows that a VACUUM could take.
SELECT pg_try_advisory_lock(7310247001);

-- name: unlock
SELECT pg_advisory_unlock(7310247001);
