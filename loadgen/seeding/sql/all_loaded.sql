SELECT NOT EXISTS (
    SELECT FROM loadgen.ledger
    WHERE loaded_at IS NULL AND part = ANY (%(parts)s) AND chunk >= %(first)s AND chunk <= %(last)s
);
