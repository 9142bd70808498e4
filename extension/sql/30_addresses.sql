-- From what PostgreSQL reports of a command to the objects whose definition may have changed by it.

CREATE FUNCTION pggit.distinct_addresses(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT ROW(a.classid, a.objid)::pggit.address FROM unnest(addresses) a);
END
$$;
COMMENT ON FUNCTION pggit.distinct_addresses(pggit.address[]) IS 'Each address once.';

CREATE FUNCTION pggit.home_addresses(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a pggit.address;
    class oid;
    home oid;
    rel record;
    homes pggit.address[] := '{}';
BEGIN
    -- Few addresses, each with one small lookup: a join over all catalogs takes longer to start than this to end.
    FOREACH a IN ARRAY addresses LOOP
        class := a.classid;
        home := NULL;
        IF class NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass,
                         'pg_rewrite'::regclass, 'pg_trigger'::regclass)
        THEN
            homes := homes || a;
            CONTINUE;
        END IF;
        CASE class
            WHEN 'pg_class'::regclass THEN
                SELECT c.relkind, c.reltype INTO rel FROM pg_class c WHERE c.oid = a.objid;
                IF rel.relkind = 'c' THEN
                    class := 'pg_type'::regclass;
                    home := rel.reltype;
                ELSIF rel.relkind IN ('i', 'I') THEN
                    -- A constraint's index is the table's; of others the table may name one.
                    SELECT i.indrelid, i.indisclustered OR i.indisreplident AS named, k.conrelid INTO rel
                    FROM pg_index i
                    LEFT JOIN pg_constraint k
                        ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
                    WHERE i.indexrelid = a.objid;
                    home := rel.conrelid;
                    IF home IS NULL AND rel.named THEN
                        homes := homes || ROW(class, rel.indrelid)::pggit.address;
                    END IF;
                ELSIF rel.relkind = 'S' THEN  -- and so is an identity column's sequence
                    home := (SELECT d.refobjid FROM pg_depend d
                             WHERE d.classid = class AND d.objid = a.objid AND d.deptype = 'i');
                END IF;
            WHEN 'pg_type'::regclass THEN
                home := (SELECT c.oid FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                         WHERE t.oid = a.objid AND c.relkind <> 'c');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                ELSE  -- a multirange is the range's
                    home := (SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = a.objid);
                END IF;
            WHEN 'pg_constraint'::regclass THEN
                SELECT k.conrelid, k.contypid INTO rel FROM pg_constraint k WHERE k.oid = a.objid;
                IF rel.contypid > 0 THEN
                    class := 'pg_type'::regclass;
                    home := rel.contypid;
                ELSIF rel.conrelid > 0 THEN
                    class := 'pg_class'::regclass;
                    home := rel.conrelid;
                END IF;
            WHEN 'pg_attrdef'::regclass THEN
                class := 'pg_class'::regclass;
                home := (SELECT d.adrelid FROM pg_attrdef d WHERE d.oid = a.objid);
            WHEN 'pg_rewrite'::regclass THEN
                home := (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = a.objid AND r.rulename = '_RETURN');
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
            WHEN 'pg_trigger'::regclass THEN  -- one that a partition has from its parent
                home := (SELECT g.tgrelid FROM pg_trigger g WHERE g.oid = a.objid AND g.tgparentid > 0);
                IF home IS NOT NULL THEN
                    class := 'pg_class'::regclass;
                END IF;
        END CASE;
        a := ROW(class, coalesce(home, a.objid))::pggit.address;
        IF a IS DISTINCT FROM homes[cardinality(homes)] THEN
            homes := homes || a;
        END IF;
    END LOOP;
    RETURN CASE WHEN cardinality(homes) > 1 THEN pggit.distinct_addresses(homes) ELSE homes END;
END
$$;
COMMENT ON FUNCTION pggit.home_addresses(pggit.address[]) IS
'The tracked object that each address belongs to: a constraint''s table or domain, a row type''s table, a view for its rule.';

CREATE FUNCTION pggit.table_family(relation oid) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE family (member) AS (
            SELECT relation
            UNION
            SELECT m.member FROM family f CROSS JOIN LATERAL (
                SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = f.member
                UNION ALL
                -- a partition when last read, and perhaps no more
                SELECT c.oid FROM pggit.object_oids o JOIN pg_class c ON c.oid = o.objid AND c.relkind IN ('r', 'p', 'f')
                WHERE o.relid = f.member AND o.classid = 'pg_class'::regclass
            ) AS m (member)
        )
        SELECT f.member FROM family f);
END
$$;
COMMENT ON FUNCTION pggit.table_family(oid) IS 'A table and its descendants, those of the time when it was last read included.';

CREATE FUNCTION pggit.table_parts(c pg_catalog.pg_class) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts pggit.address[];
BEGIN
    IF c.relkind = 'v' THEN
        parts := ARRAY(SELECT ROW(o.classid, o.objid)::pggit.address FROM pggit.object_oids o WHERE o.relid = c.oid);
    ELSE
        parts := ARRAY(
            -- what hung on the table when it was last read, and perhaps does no more
            SELECT ROW(o.classid, o.objid)::pggit.address FROM pggit.object_oids o WHERE o.relid = c.oid
            UNION ALL
            SELECT ROW('pg_statistic_ext'::regclass, s.oid)::pggit.address FROM pg_statistic_ext s
            WHERE s.stxrelid = c.oid
            UNION ALL
            SELECT ROW('pg_policy'::regclass, p.oid)::pggit.address FROM pg_policy p WHERE p.polrelid = c.oid
            UNION ALL  -- sequences that a column owns
            SELECT ROW(d.classid, d.objid)::pggit.address FROM pg_depend d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
              AND d.classid = 'pg_class'::regclass AND d.deptype = 'a');
    END IF;
    IF c.relhasindex THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_class'::regclass, i.indexrelid)::pggit.address FROM pg_index i
            WHERE i.indrelid = c.oid AND NOT i.indisprimary);
    END IF;
    IF c.relhastriggers THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_trigger'::regclass, g.oid)::pggit.address FROM pg_trigger g
            WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgparentid = 0);
    END IF;
    IF c.relhasrules THEN
        parts := parts || ARRAY(
            SELECT ROW('pg_rewrite'::regclass, r.oid)::pggit.address FROM pg_rewrite r
            WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN');
    END IF;
    RETURN parts;
END
$$;
COMMENT ON FUNCTION pggit.table_parts(pg_catalog.pg_class) IS
'Everything that hangs on a relation under a name of its own, now or when last read.';

CREATE FUNCTION pggit.with_table_parts(addresses pggit.address[]) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a pggit.address;
    c pg_catalog.pg_class;
    families oid[] := '{}';
    found pggit.address[] := addresses;
BEGIN
    FOREACH a IN ARRAY addresses LOOP
        IF a.classid = 'pg_class'::regclass THEN
            SELECT r.* INTO c FROM pg_class r WHERE r.oid = a.objid;
            IF c.relkind IN ('p', 'I') OR c.relhassubclass THEN
                families := families || pggit.table_family(a.objid);
            ELSIF c.relkind IN ('r', 'f', 'v', 'm') THEN
                found := found || pggit.table_parts(c);
            END IF;
        END IF;
    END LOOP;
    IF families <> '{}' THEN
        FOR c IN SELECT r.* FROM pg_class r WHERE r.oid = ANY (families) LOOP
            found := found || ROW('pg_class'::regclass, c.oid)::pggit.address || pggit.table_parts(c);
        END LOOP;
    END IF;
    RETURN CASE WHEN cardinality(found) > 1 THEN pggit.distinct_addresses(found) ELSE found END;
END
$$;
COMMENT ON FUNCTION pggit.with_table_parts(pggit.address[]) IS
'The given addresses and, for each table among them, its descendants and everything that hangs on any of these, now or when last read.';

CREATE FUNCTION pggit.dependents(addresses pggit.address[], only_classes oid[] DEFAULT NULL) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reached pggit.address[];
BEGIN
    reached := ARRAY(
        WITH RECURSIVE reach (classid, objid, passes) AS (
            SELECT a.classid, a.objid, true FROM unnest(addresses) a
            UNION
            -- an attribute of a composite type is mentioned as a column
            SELECT 'pg_class'::regclass, t.typrelid, true
            FROM unnest(addresses) a
            JOIN pg_type t ON a.classid = 'pg_type'::regclass AND t.oid = a.objid AND t.typrelid > 0
            UNION
            -- A table's row type, an array type and a multirange carry the name on to their own users, and so do, into
            -- another schema, an identity column's sequence and a constraint's index.
            SELECT d.classid, d.objid,
                d.classid IN ('pg_type'::regclass, 'pg_constraint'::regclass) AND d.deptype IN ('i', 'a')
                    OR d.classid = 'pg_class'::regclass AND d.deptype = 'i'
            FROM reach r
            CROSS JOIN LATERAL (
                SELECT d.classid, d.objid, d.deptype FROM pg_depend d
                WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype <> 'e'
                OFFSET 0  -- or PostgreSQL would join, and read all of pg_depend
            ) d
            WHERE r.passes
        )
        SELECT DISTINCT ROW(r.classid, r.objid)::pggit.address FROM reach r
        WHERE only_classes IS NULL OR r.classid = ANY (only_classes));
    RETURN pggit.home_addresses(reached);
END
$$;
COMMENT ON FUNCTION pggit.dependents(pggit.address[], oid[]) IS
'The objects whose definitions mention one of the given ones, and those themselves; only through the given catalogs, where any are named.';

CREATE FUNCTION pggit.worded_by_columns(relation oid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
            SELECT FROM pg_depend d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation
              AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass))
        OR EXISTS (
            SELECT FROM pg_class c JOIN pg_type t ON t.oid = c.reltype
            CROSS JOIN LATERAL (
                SELECT FROM pg_depend d
                WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.objid <> t.typarray
                OFFSET 0) d  -- or PostgreSQL would join, and read all of pg_depend
            WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION pggit.worded_by_columns(oid) IS
'Whether a rule, view or function may list the columns of a table, and so be worded anew when one is added. May say yes for nothing, never no.';

CREATE FUNCTION pggit.addresses_changed_now(object_type text) RETURNS pggit.address[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What this transaction wrote before it last recorded something was recorded by then: in a long one that is nearly
    -- all. cmin counts its commands, and the history's last rows are enough to look at: without one of ours, all is
    -- taken. Somebody else's event trigger that comes before ours may have had a command of its own recorded already.
    since bigint := CASE WHEN NOT EXISTS (
            SELECT FROM pg_event_trigger e
            WHERE e.evtevent = 'ddl_command_end' AND e.evtenabled <> 'D' AND e.evtname < 'pggit_ddl_command_end')
        THEN (SELECT max(h.counted::text::bigint)
              FROM (SELECT n.cmin AS counted, n.xmin AS written_by, n.transaction_id FROM ONLY pggit.history n ORDER BY n.id DESC LIMIT 64) h
              WHERE age(h.written_by) <= 0 AND h.transaction_id = pg_current_xact_id_if_assigned()) END;
BEGIN
    IF since IS NULL OR object_type = 'DEFAULT PRIVILEGES' THEN
        since := 0;  -- the same command may have dropped some, which is recorded by now
    END IF;
    -- PostgreSQL does not say which objects GRANT and REVOKE named. age() counts from this transaction:
    -- a row it wrote has an age of zero or, with savepoints, less. Rows that others wrote since come along.
    RETURN ARRAY(SELECT ROW(a.classid, a.objid)::pggit.address FROM (
        SELECT 'pg_class'::regclass::oid, c.oid FROM pg_class c
            WHERE object_type IN ('TABLE', 'SEQUENCE') AND age(c.xmin) <= 0 AND c.cmin::text::bigint >= since
        UNION SELECT 'pg_class'::regclass, t.attrelid FROM pg_attribute t
            WHERE object_type = 'TABLE' AND t.attnum > 0 AND age(t.xmin) <= 0 AND t.cmin::text::bigint >= since
        UNION SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
            WHERE object_type IN ('FUNCTION', 'PROCEDURE', 'ROUTINE') AND age(p.xmin) <= 0 AND p.cmin::text::bigint >= since
        UNION SELECT 'pg_type'::regclass, t.oid FROM pg_type t
            WHERE object_type IN ('TYPE', 'DOMAIN') AND age(t.xmin) <= 0 AND t.cmin::text::bigint >= since
        UNION SELECT 'pg_namespace'::regclass, n.oid FROM pg_namespace n
            WHERE object_type = 'SCHEMA' AND age(n.xmin) <= 0 AND n.cmin::text::bigint >= since
        UNION SELECT 'pg_foreign_data_wrapper'::regclass, w.oid FROM pg_foreign_data_wrapper w
            WHERE object_type = 'FOREIGN DATA WRAPPER' AND age(w.xmin) <= 0 AND w.cmin::text::bigint >= since
        UNION SELECT 'pg_foreign_server'::regclass, s.oid FROM pg_foreign_server s
            WHERE object_type IN ('FOREIGN SERVER', 'SERVER') AND age(s.xmin) <= 0 AND s.cmin::text::bigint >= since
        UNION SELECT 'pg_default_acl'::regclass, d.oid FROM pg_default_acl d
            WHERE object_type = 'DEFAULT PRIVILEGES' AND age(d.xmin) <= 0 AND d.cmin::text::bigint >= since
    ) AS a (classid, objid));
END
$$;
COMMENT ON FUNCTION pggit.addresses_changed_now(text) IS
'What this transaction wrote in the catalogs of a kind, named as event triggers name it, since it last recorded a command; may give too much, never too little.';
