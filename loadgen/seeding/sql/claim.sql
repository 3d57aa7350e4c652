-- The next part, from a chunk on, that nobody works on. The lock on its row is the claim: it ends with the transaction,
-- so the part of a participant who dies is free again. From a chunk on, because what was loaded lately stays in the
-- index as dead entries: a search from its beginning would pass all of them, and each claim take longer than the last.
SELECT part, chunk, first_ids, rows
FROM loadgen.ledger
WHERE loaded_at IS NULL AND part = %(part)s AND chunk >= %(first)s AND chunk <= %(last)s
ORDER BY part, chunk
LIMIT 1
FOR UPDATE SKIP LOCKED;
