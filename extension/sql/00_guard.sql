-- The server puts the caller's search_path back at the end of the script.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- CREATE EXTENSION uses a schema named pggit that is already there. Whoever owns that schema could
-- replace our functions later, so one that an ordinary role made, or that holds anything, is refused.
DO $guard$
BEGIN
    IF EXISTS (
        SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
        WHERE n.nspname OPERATOR(pg_catalog.=) 'pggit' AND NOT r.rolsuper
          AND r.rolname OPERATOR(pg_catalog.<>) CURRENT_USER)
    THEN
        RAISE EXCEPTION 'schema pggit belongs to another role'
            USING ERRCODE = 'GT001', HINT = 'Drop or rename that schema; CREATE EXTENSION makes its own.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_class c
               WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
       OR EXISTS (SELECT FROM pg_catalog.pg_proc p
                  WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
       OR EXISTS (SELECT FROM pg_catalog.pg_type t
                  WHERE t.typnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace)
    THEN
        RAISE EXCEPTION 'schema pggit already holds objects'
            USING ERRCODE = 'GT001', HINT = 'Move them elsewhere, then run CREATE EXTENSION again.';
    END IF;
END
$guard$;
