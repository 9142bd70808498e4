-- PUBLIC gets nothing, and every table with users' data is dumped, with its sequences.
DO $permissions$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS name FROM pg_catalog.pg_proc p
        WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', member.name);
    END LOOP;
    FOR member IN
        SELECT c.oid, c.relname FROM pg_catalog.pg_class c
        WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
          AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,S}'::pg_catalog."char"[])
          AND c.relname OPERATOR(pg_catalog.<>) ALL ('{object_oids,oid_origin}'::pg_catalog.name[])
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(member.oid, '');
    END LOOP;
END
$permissions$;
