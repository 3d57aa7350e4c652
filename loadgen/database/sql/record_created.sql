-- Objects by catalogue and number, with what shows later that they are still the same.
INSERT INTO loadgen.created_objects (classid, objid, name, columns)
SELECT
    o.classid,
    o.objid,
    (pg_identify_object(o.classid, o.objid, 0)).identity,
    (SELECT array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
     FROM pg_attribute AS a
     WHERE o.classid = 'pg_class'::regclass AND a.attrelid = o.objid AND a.attnum > 0 AND NOT a.attisdropped)
FROM unnest(%(classids)s::oid[], %(objids)s::oid[]) AS o (classid, objid);
