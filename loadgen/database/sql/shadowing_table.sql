-- A table or view that a statement would reach in place of one of ours: another schema comes first in this session's
-- search_path, or ours was renamed.
SELECT o.name, (pg_identify_object('pg_class'::regclass, r.reached, 0)).identity
FROM loadgen.created_objects AS o
CROSS JOIN LATERAL (SELECT to_regclass(regexp_replace(o.name, '^public\.', ''))::oid AS reached) AS r
WHERE o.columns IS NOT NULL AND o.name ~ '^public\.' AND r.reached <> o.objid
LIMIT 1
