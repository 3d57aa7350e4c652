-- Messages as they arrive: without a response, which follows. From a range of ids, in the order of their time; returns
-- how many rows died. Deleted and inserted in one transaction, so that their places in the indexes are taken while the
-- new entries come: leaves split as under arrivals at random users.
CREATE OR REPLACE FUNCTION loadgen.replay_chat(first_id bigint, last_id bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    arrived public.chat_messages;
    died bigint := 0;
BEGIN
    FOR arrived IN
        WITH gone AS (DELETE FROM public.chat_messages WHERE id BETWEEN first_id AND last_id RETURNING *)
        SELECT * FROM gone ORDER BY timestamp, id
    LOOP
        INSERT INTO public.chat_messages (id, user_id, message, timestamp)
        VALUES (arrived.id, arrived.user_id, arrived.message, arrived.timestamp);
        died := died + 1;
        IF arrived.response IS NOT NULL THEN
            UPDATE public.chat_messages SET response = arrived.response WHERE id = arrived.id;
            died := died + 1;
        END IF;
    END LOOP;
    RETURN died;
END $$;

-- Figures as they come out a little otherwise; what they were stays beside them, to be put back.
CREATE OR REPLACE FUNCTION loadgen.other_figures(calculations jsonb, factor numeric) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT calculations || coalesce(
        jsonb_object_agg(key, round(value::numeric * factor, 2)) || jsonb_build_object('before', jsonb_object_agg(key, value)),
        '{}'
    )
    FROM jsonb_each(calculations)
    WHERE jsonb_typeof(value) = 'number'
$$;
