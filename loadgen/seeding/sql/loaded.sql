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
