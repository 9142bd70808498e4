-- Nobody but the owner gets anything, whatever the database's default privileges say, and every table with
-- users' data is dumped, with its sequences.
DO $permissions$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT DISTINCT m.kind, m.name,
            CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
        FROM (
            SELECT 'SCHEMA' AS kind, 'pggit' AS name, n.nspowner AS owner,
                coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
            FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'pggit'
            UNION ALL
            SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                c.oid::pg_catalog.regclass::pg_catalog.text, c.relowner, c.relacl
            FROM pg_catalog.pg_class c
            WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
              AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,S,v}'::pg_catalog."char"[])
            UNION ALL
            SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proowner,
                coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
            FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
            UNION ALL
            SELECT 'TYPE', t.oid::pg_catalog.regtype::pg_catalog.text, t.typowner,
                coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.typrelid
            WHERE t.typnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
              AND c.relkind OPERATOR(pg_catalog.=) 'c'
        ) m
        CROSS JOIN LATERAL pg_catalog.aclexplode(m.acl) a
        WHERE a.grantee OPERATOR(pg_catalog.<>) m.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name, member.grantee);
    END LOOP;
    FOR member IN
        SELECT c.oid FROM pg_catalog.pg_class c
        WHERE c.relnamespace OPERATOR(pg_catalog.=) 'pggit'::pg_catalog.regnamespace
          AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,S}'::pg_catalog."char"[])
          AND c.relname OPERATOR(pg_catalog.<>) ALL (
              '{object_oids,oid_origin,unsettled,unsettled_id_seq}'::pg_catalog.name[])
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(member.oid, '');
    END LOOP;
END
$permissions$;
