-- From what PostgreSQL reports of a command to the objects whose definition may have changed by it.

CREATE FUNCTION pggit.home_addresses(INOUT classids oid[], INOUT objids oid[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    class oid;
    object oid;
    home oid;
    rel record;
    home_classids oid[] := '{}';
    home_objids oid[] := '{}';
BEGIN
    -- Few addresses, each with one small lookup: a join over all catalogs takes longer to start than this to end.
    FOR class, object IN SELECT DISTINCT a.c, a.o FROM unnest(classids, objids) AS a (c, o) LOOP
        home := NULL;
        CASE class
            WHEN 'pg_class'::regclass THEN
                SELECT c.relkind, c.reltype INTO rel FROM pg_class c WHERE c.oid = object;
                IF rel.relkind = 'c' THEN
                    class := 'pg_type'::regclass;
                    home := rel.reltype;
                ELSIF rel.relkind IN ('i', 'I') THEN
                    -- A constraint's index is the table's; of others the table may name one.
                    home := (SELECT k.conrelid FROM pg_constraint k
                             WHERE k.conindid = object AND k.contype IN ('p', 'u', 'x'));
                    IF home IS NULL THEN
                        SELECT i.indrelid INTO rel FROM pg_index i
                        WHERE i.indexrelid = object AND (i.indisclustered OR i.indisreplident);
                        IF FOUND THEN
                            home_classids := home_classids || class;
                            home_objids := home_objids || rel.indrelid;
                        END IF;
                    END IF;
                ELSIF rel.relkind = 'S' THEN  -- and so is an identity column's sequence
                    home := (SELECT d.refobjid FROM pg_depend d
                             WHERE d.classid = class AND d.objid = object AND d.deptype = 'i');
                END IF;
            WHEN 'pg_type'::regclass THEN
                home := (SELECT c.oid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                         WHERE t.oid = object AND c.relkind <> 'c');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                ELSE  -- a multirange is the range's
                    home := (SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = object);
                END IF;
            WHEN 'pg_constraint'::regclass THEN
                SELECT k.conrelid, k.contypid INTO rel FROM pg_constraint k WHERE k.oid = object;
                IF rel.contypid > 0 THEN
                    class := 'pg_type'::regclass;
                    home := rel.contypid;
                ELSIF rel.conrelid > 0 THEN
                    class := 'pg_class'::regclass;
                    home := rel.conrelid;
                END IF;
            WHEN 'pg_attrdef'::regclass THEN
                class := 'pg_class'::regclass;
                home := (SELECT d.adrelid FROM pg_attrdef d WHERE d.oid = object);
            WHEN 'pg_rewrite'::regclass THEN
                home := (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = object AND r.rulename = '_RETURN');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
            WHEN 'pg_trigger'::regclass THEN  -- one that a partition has from its parent
                home := (SELECT g.tgrelid FROM pg_trigger g WHERE g.oid = object AND g.tgparentid > 0);
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
            ELSE
                NULL;
        END CASE;
        home_classids := home_classids || class;
        home_objids := home_objids || coalesce(home, object);
    END LOOP;
    SELECT array_agg(h.c), array_agg(h.o) INTO classids, objids
    FROM (SELECT DISTINCT u.c, u.o FROM unnest(home_classids, home_objids) AS u (c, o)) h;
END
$$;
COMMENT ON FUNCTION pggit.home_addresses(oid[], oid[]) IS
'The tracked object that each address belongs to: a constraint''s table or domain, a row type''s table, a view for its rule.';

CREATE FUNCTION pggit.with_table_parts(INOUT classids oid[], INOUT objids oid[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relations oid[];
BEGIN
    WITH RECURSIVE family (relation) AS (
        SELECT c.oid FROM unnest(with_table_parts.classids, with_table_parts.objids) AS a (classid, objid)
        JOIN pg_class c ON a.classid = 'pg_class'::regclass AND c.oid = a.objid
        WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'I')
        UNION
        SELECT m.relation FROM family f CROSS JOIN LATERAL (
            SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = f.relation
            UNION ALL
            -- a partition when last read, and perhaps no more
            SELECT c.oid FROM pggit.object_oids o JOIN pg_class c ON c.oid = o.objid AND c.relkind IN ('r', 'p', 'f')
            WHERE o.relid = f.relation AND o.classid = 'pg_class'::regclass
        ) AS m (relation)
    )
    SELECT array_agg(f.relation) INTO relations FROM family f;
    IF relations IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(p.classid), array_agg(p.objid) INTO classids, objids
    FROM (
        SELECT a.classid, a.objid FROM unnest(with_table_parts.classids, with_table_parts.objids) AS a (classid, objid)
        UNION SELECT 'pg_class'::regclass, r FROM unnest(relations) r
        UNION SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid = ANY (relations)
        UNION SELECT 'pg_trigger'::regclass, g.oid FROM pg_trigger g
            WHERE g.tgrelid = ANY (relations) AND NOT g.tgisinternal AND g.tgparentid = 0
        UNION SELECT 'pg_policy'::regclass, p.oid FROM pg_policy p WHERE p.polrelid = ANY (relations)
        UNION SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r
            WHERE r.ev_class = ANY (relations) AND r.rulename <> '_RETURN'
        UNION SELECT 'pg_statistic_ext'::regclass, s.oid FROM pg_statistic_ext s WHERE s.stxrelid = ANY (relations)
        UNION SELECT d.classid, d.objid FROM pg_depend d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relations) AND d.refobjsubid > 0
              AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
        -- what hung on the table when it was last read, and perhaps does no more
        UNION SELECT o.classid, o.objid FROM pggit.object_oids o WHERE o.relid = ANY (relations)
    ) p;
END
$$;
COMMENT ON FUNCTION pggit.with_table_parts(oid[], oid[]) IS
'The given addresses and, for each table among them, its descendants and everything that hangs on any of these, now or when last read.';

CREATE FUNCTION pggit.dependents(INOUT classids oid[], INOUT objids oid[], IN only_classes oid[] DEFAULT NULL)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF classids IS NULL THEN
        RETURN;
    END IF;
    WITH RECURSIVE reach (classid, objid, passes) AS (
        SELECT a.classid, a.objid, true
        FROM unnest(dependents.classids, dependents.objids) AS a (classid, objid)
        UNION
        -- an attribute of a composite type is mentioned as a column
        SELECT 'pg_class'::regclass, t.typrelid, true
        FROM unnest(dependents.classids, dependents.objids) AS a (classid, objid)
        JOIN pg_type t ON a.classid = 'pg_type'::regclass AND t.oid = a.objid AND t.typrelid > 0
        UNION
        -- A table's row type, an array type and a multirange carry the name on to their own users.
        SELECT d.classid, d.objid, d.classid = 'pg_type'::regclass AND d.deptype IN ('i', 'a')
        FROM reach r
        CROSS JOIN LATERAL (
            SELECT d.classid, d.objid, d.deptype FROM pg_depend d
            WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype <> 'e'
            OFFSET 0  -- or PostgreSQL would join, and read all of pg_depend
        ) d
        WHERE r.passes
    )
    SELECT array_agg(r.classid), array_agg(r.objid) INTO classids, objids FROM reach r
    WHERE only_classes IS NULL OR r.classid = ANY (only_classes);
    IF classids IS NULL THEN
        RETURN;
    END IF;
    SELECT h.classids, h.objids INTO classids, objids FROM pggit.home_addresses(classids, objids) h;
END
$$;
COMMENT ON FUNCTION pggit.dependents(oid[], oid[], oid[]) IS
'The objects whose definitions mention one of the given ones, and those themselves; only through the given catalogs, where any are named.';

CREATE FUNCTION pggit.addresses_changed_now(object_type text, OUT classids oid[], OUT objids oid[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL does not say which objects GRANT and REVOKE named. age() counts from this transaction:
    -- a row it wrote has an age of zero or, with savepoints, less. Rows that others wrote since come along.
    SELECT array_agg(a.classid), array_agg(a.objid) INTO classids, objids
    FROM (
        SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c
            WHERE object_type IN ('TABLE', 'SEQUENCE') AND age(c.xmin) <= 0
        UNION SELECT 'pg_class'::regclass, t.attrelid FROM pg_attribute t
            WHERE object_type = 'TABLE' AND t.attnum > 0 AND age(t.xmin) <= 0
        UNION SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
            WHERE object_type IN ('FUNCTION', 'PROCEDURE', 'ROUTINE') AND age(p.xmin) <= 0
        UNION SELECT 'pg_type'::regclass, t.oid FROM pg_type t
            WHERE object_type IN ('TYPE', 'DOMAIN') AND age(t.xmin) <= 0
        UNION SELECT 'pg_namespace'::regclass, n.oid FROM pg_namespace n
            WHERE object_type = 'SCHEMA' AND age(n.xmin) <= 0
        UNION SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
            WHERE object_type = 'FOREIGN DATA WRAPPER' AND age(w.xmin) <= 0
        UNION SELECT 'pg_foreign_server'::regclass, s.oid FROM pg_foreign_server s
            WHERE object_type IN ('FOREIGN SERVER', 'SERVER') AND age(s.xmin) <= 0
        UNION SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d
            WHERE object_type = 'DEFAULT PRIVILEGES' AND age(d.xmin) <= 0
    ) AS a (classid, objid);
END
$$;
COMMENT ON FUNCTION pggit.addresses_changed_now(text) IS
'What this transaction wrote in the catalogs of a kind named as event triggers name it; may give too much, never too little.';
