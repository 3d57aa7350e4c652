-- The commands that drop these objects, in an order in which they can go. No CASCADE: an object of somebody else's that
-- hangs on them stops the reset instead of going with them.
SELECT format('DROP %%s %%s', i.type, string_agg(i.identity, ', ' ORDER BY i.identity))
FROM unnest(%(classids)s::oid[], %(objids)s::oid[]) AS o (classid, objid)
CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
GROUP BY i.type
ORDER BY array_position(ARRAY['view', 'table', 'function', 'schema'], i.type);
