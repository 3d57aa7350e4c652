-- The next part that nobody works on. The lock on its row is the claim: it ends with the transaction, so the part of a
-- participant who dies is free again at once.
SELECT part, chunk, first_ids, rows
FROM loadgen.ledger
WHERE loaded_at IS NULL
ORDER BY part DESC, chunk
LIMIT 1
FOR UPDATE SKIP LOCKED;
