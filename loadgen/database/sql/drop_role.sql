-- The role goes only if loadgen made it and nothing in any database of the cluster uses it any more.
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_roles
        WHERE rolname = 'affluvia_app_role' AND shobj_description(oid, 'pg_authid') = 'made by loadgen'
    ) THEN
        DROP ROLE affluvia_app_role;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR undefined_object THEN
    NULL;
END $$;
