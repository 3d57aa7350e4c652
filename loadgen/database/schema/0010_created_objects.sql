-- What this tool created in the database, by object and not by name: what a reset may drop. A database that was marked
-- before this file was there has its older objects not in it.

CREATE TABLE loadgen.created_objects (
    classid oid, -- the catalogue that the object is in
    objid   oid,
    name    text NOT NULL, -- with its schema: in a restored dump another object may have that number
    columns text[], -- of a table, with their types: a column that somebody added holds what is not ours
    PRIMARY KEY (classid, objid)
);
