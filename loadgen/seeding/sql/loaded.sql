SELECT
    count(*) AS parts,
    count(*) FILTER (WHERE loaded_at IS NOT NULL) AS parts_loaded,
    coalesce(sum((rows ->> 'users')::bigint) FILTER (WHERE loaded_at IS NOT NULL), 0)::bigint AS users_loaded,
    coalesce(sum((rows ->> 'chat_messages')::bigint), 0)::bigint AS messages,
    coalesce(sum((rows ->> 'chat_messages')::bigint) FILTER (WHERE loaded_at IS NOT NULL), 0)::bigint AS messages_loaded,
    coalesce(sum(below_water), 0)::bigint AS below_water
FROM loadgen.ledger;
