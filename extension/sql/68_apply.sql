-- Changing the live schema. It is done with the caller's own rights; what evaluates expressions of an object's
-- owner runs with that owner's rights, never with a superuser's.

CREATE FUNCTION pggit.run_step(statement text, as_owner_of text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner text := pggit.owner_to_run_as(as_owner_of);
    found bigint;
    left_behind bigint;
BEGIN
    IF owner IS NULL THEN
        EXECUTE statement;
        GET DIAGNOSTICS found = ROW_COUNT;
        RETURN found;
    END IF;
    -- SET ROLE would not do: code of the owner's could reset it, or leave a setting, a cursor WITH HOLD or a trigger
    -- behind that works when the superuser goes on. PostgreSQL lets the expression of an index do none of that, so
    -- the statement is run by one: with the rights of its table's owner and nothing left of it but what it did.
    -- What waits is of before, and nothing of this may wait; but not where a function lends its owner's rights, which
    -- the triggers that wait are not to have.
    IF current_user = coalesce(nullif(current_setting('role'), 'none'), session_user) THEN
        SET CONSTRAINTS ALL IMMEDIATE;
    END IF;
    left_behind := pggit.count_temporary();
    CREATE TEMPORARY TABLE pggit_step AS SELECT 1 AS id;
    CREATE TEMPORARY TABLE pggit_step_rows (found bigint);  -- not the owner's: it is read with a superuser's rights
    EXECUTE format('CREATE FUNCTION pg_temp.pggit_run_step() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L', format(
        'DECLARE n bigint; BEGIN EXECUTE %L; GET DIAGNOSTICS n = ROW_COUNT; INSERT INTO pg_temp.pggit_step_rows VALUES (n); END', statement));
    CREATE FUNCTION pg_temp.pggit_step(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
        'BEGIN PERFORM pg_temp.pggit_run_step(); RETURN id; END';
    EXECUTE format('ALTER TABLE pg_temp.pggit_step OWNER TO %I', owner);
    EXECUTE format('GRANT INSERT ON pg_temp.pggit_step_rows TO %I', owner);
    EXECUTE format('GRANT EXECUTE ON FUNCTION pg_temp.pggit_step(integer), pg_temp.pggit_run_step() TO %I', owner);
    CREATE INDEX ON pg_temp.pggit_step (pg_temp.pggit_step(id));
    EXECUTE 'SELECT r.found FROM pg_temp.pggit_step_rows r' INTO found;
    DROP TABLE pg_temp.pggit_step, pg_temp.pggit_step_rows;
    DROP FUNCTION pg_temp.pggit_step(integer);
    DROP FUNCTION pg_temp.pggit_run_step();
    -- Types, too, are looked for among what is temporary first.
    IF pggit.count_temporary() <> left_behind THEN
        RAISE EXCEPTION 'code of %''s made something temporary in this session', owner USING ERRCODE = 'GT045',
            HINT = 'A trigger, a default, a type or an index of that role''s ran and left it. Nothing was changed.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.run_step(text, text) IS
'Runs a statement, for a superuser fenced in and with the rights of whoever as_owner_of means (see owner_to_run_as). Returns how many rows it touched. Raises GT045 when code of the owner''s leaves something temporary.';

CREATE FUNCTION pggit.owner_to_run_as(as_owner_of text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner oid;
BEGIN
    IF as_owner_of IS NULL OR NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RETURN NULL;
    END IF;
    owner := CASE split_part(as_owner_of, ' ', 1)
        WHEN 'role' THEN (SELECT r.oid FROM pg_roles r WHERE r.rolname = substr(as_owner_of, 6))
        WHEN 'type' THEN (SELECT t.typowner FROM pg_type t WHERE t.oid = to_regtype(substr(as_owner_of, 6)))
        ELSE (SELECT c.relowner FROM pg_class c WHERE c.oid = to_regclass(as_owner_of)) END;
    IF owner IS NULL THEN
        RAISE EXCEPTION 'nobody owns %', as_owner_of USING ERRCODE = 'GT045', HINT = 'Another session may have changed the schema meanwhile: try again.';
    END IF;
    RETURN (SELECT r.rolname FROM pg_roles r WHERE r.oid = owner AND NOT r.rolsuper);
END
$$;
COMMENT ON FUNCTION pggit.owner_to_run_as(text) IS
'The role with whose rights a superuser runs a statement: the owner of a relation, of a type (''type x''), or a role by name (''role x''). Null where that is a superuser, too, or the caller is none. Raises GT045 where nobody is found.';

CREATE FUNCTION pggit.count_temporary() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema())
        + (SELECT count(*) FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema())
        + (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = pg_my_temp_schema());
END
$$;
COMMENT ON FUNCTION pggit.count_temporary() IS 'How many temporary relations, types and functions this session has.';

CREATE FUNCTION pggit.may_run_code(relation text, reading boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid := to_regclass(relation);
BEGIN
    -- Types bring casts, input functions and the checks of domains along.
    RETURN NOT reading AND EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = found AND a.attnum > 0 AND NOT a.attisdropped AND pggit.type_has_code(a.atttypid))
        OR EXISTS (
            SELECT FROM pg_depend d
            WHERE d.refobjid >= 16384
              AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)
              AND (d.classid = 'pg_class'::regclass AND (
                      d.objid = found OR d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = found))
                   OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT k.oid FROM pg_constraint k WHERE k.conrelid = found)
                   OR d.classid = 'pg_statistic_ext'::regclass AND d.objid IN (SELECT s.oid FROM pg_statistic_ext s WHERE s.stxrelid = found)
                   OR NOT reading AND d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT a.oid FROM pg_attrdef a WHERE a.adrelid = found)))
        -- A plan works constants out in all of these; and on PostgreSQL's own functions nothing depends.
        OR EXISTS (
            SELECT FROM (
                SELECT pg_get_expr(a.adbin, a.adrelid) AS sql FROM pg_attrdef a WHERE a.adrelid = found AND NOT reading
                UNION ALL SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = found AND k.contype = 'c'
                UNION ALL SELECT concat_ws(' ', pg_get_expr(i.indexprs, found), pg_get_expr(i.indpred, found)) FROM pg_index i WHERE i.indrelid = found
                UNION ALL SELECT pg_get_expr(s.stxexprs, found) FROM pg_statistic_ext s WHERE s.stxrelid = found
                UNION ALL SELECT pg_get_partkeydef(p.partrelid) FROM pg_partitioned_table p
                    WHERE p.partrelid = found OR p.partrelid IN (SELECT a.relid FROM pg_partition_ancestors(found) a)
            ) x WHERE pggit.has_code(x.sql));
END
$$;
COMMENT ON FUNCTION pggit.may_run_code(text, boolean) IS
'Whether code that may do harm, a function, an operator or a type, hangs on a table in a way that changing it may run it or, with reading, that a plan for reading it may.';

CREATE FUNCTION pggit.has_code(sql text, besides text[] DEFAULT '{}') RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT pggit.is_harmless(sql)
        OR EXISTS (SELECT FROM unnest(pggit.names_in(sql)) n WHERE n <> ALL (besides) AND pggit.type_has_code(to_regtype(n)));
END
$$;
COMMENT ON FUNCTION pggit.has_code(text, text[]) IS
'Whether a piece of SQL that PostgreSQL wrote calls what may do harm; a constant of an enum, say, does not. besides: names that are no types here, though each table is one.';

CREATE FUNCTION pggit.type_has_code(type oid) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN type >= 16384 AND NOT EXISTS (
        SELECT FROM pg_type t
        WHERE t.oid = type AND NOT EXISTS (SELECT FROM pg_cast c WHERE t.oid IN (c.castsource, c.casttarget))
          AND CASE t.typtype
              WHEN 'e' THEN true
              WHEN 'd' THEN NOT pggit.type_has_code(t.typbasetype) AND pggit.has_code(pg_get_expr(t.typdefaultbin, 0)) IS NOT TRUE AND NOT EXISTS (
                  SELECT FROM pg_constraint k WHERE k.contypid = t.oid AND pggit.has_code(pg_get_constraintdef(k.oid)))
              WHEN 'c' THEN NOT EXISTS (
                  SELECT FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped AND pggit.type_has_code(a.atttypid))
              WHEN 'b' THEN t.typelem <> 0 AND NOT pggit.type_has_code(t.typelem)
              ELSE false END)
        -- what a superuser made is trusted as an extension is
        AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_roles r ON r.oid = t.typowner WHERE t.oid = type AND r.rolsuper AND t.typtype = 'b' AND t.typelem = 0);
END
$$;
COMMENT ON FUNCTION pggit.type_has_code(oid) IS
'Whether a type is somebody''s and may bring code along, by casts, checks or a default. An enum has none by itself, and a base type is made by superusers alone.';

CREATE FUNCTION pggit.with_all_below(relations oid[]) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(WITH RECURSIVE below (relation) AS (
            SELECT unnest(relations) UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.relation)
        SELECT b.relation FROM below b);
END
$$;
COMMENT ON FUNCTION pggit.with_all_below(oid[]) IS 'Tables with all their partitions and children.';

CREATE FUNCTION pggit.kin_of(relations text[], by_keys boolean) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    family oid[] := ARRAY(SELECT to_regclass(r)::oid FROM unnest(relations) r WHERE to_regclass(r) IS NOT NULL);
BEGIN
    IF by_keys THEN
        family := family || ARRAY(
            SELECT CASE k.conrelid WHEN b.relation THEN k.confrelid ELSE k.conrelid END
            FROM unnest(pggit.with_all_below(family)) AS b (relation)
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = b.relation AND d.classid = 'pg_constraint'::regclass
            JOIN pg_constraint k ON k.oid = d.objid AND k.contype = 'f');
    END IF;
    RETURN ARRAY(SELECT c.oid::regclass::text FROM unnest(pggit.with_all_below(family)) AS b (relation)
                 JOIN pg_class c ON c.oid = b.relation AND c.relkind IN ('r', 'p', 'f', 'm') ORDER BY c.oid);
END
$$;
COMMENT ON FUNCTION pggit.kin_of(text[], boolean) IS
'What a step on some tables may read: they themselves, all partitions and children below and, by foreign keys, the tables at the other end with all below these.';

CREATE FUNCTION pggit.kin_of_step(node pggit.plan_node) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statements text := array_to_string(node.statements, E'\n');
    by_keys boolean := statements ~ ' FOREIGN KEY [(]| ATTACH PARTITION | TYPE | VALIDATE CONSTRAINT ';
BEGIN
    RETURN pggit.kin_of(CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN ARRAY[node.as_owner_of] ELSE '{}' END
        || CASE WHEN node.object_type IN ('TABLE', 'FOREIGN TABLE') THEN ARRAY[node.identity] ELSE '{}' END
        || CASE WHEN by_keys THEN pggit.names_in(statements) ELSE '{}' END, by_keys);
END
$$;
COMMENT ON FUNCTION pggit.kin_of_step(pggit.plan_node) IS 'The tables that a step changes, and those that PostgreSQL may read for it.';

CREATE FUNCTION pggit.kin_has_code(node pggit.plan_node, reading boolean) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM unnest(pggit.kin_of_step(node)) k WHERE pggit.may_run_code(k, reading)
        OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(k) AND pggit.type_has_code(a.atttypid)));
END
$$;
COMMENT ON FUNCTION pggit.kin_has_code(pggit.plan_node, boolean) IS
'Whether code that may do harm hangs on a table that a step changes or reads, or on the type of a column of one. See may_run_code for reading.';

CREATE FUNCTION pggit.hold_kin(node pggit.plan_node) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held text[] := '{}';
    kin text[];
    relation text;
BEGIN
    -- Whoever looks what code hangs on a table, and acts on it, holds the table from then on.
    LOOP
        kin := pggit.kin_of_step(node);
        EXIT WHEN kin <@ held OR NOT EXISTS (
            SELECT FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner AND NOT r.rolsuper);
        FOR relation IN SELECT k FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) AND c.relkind IN ('r', 'p') LOOP
            EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', relation);
        END LOOP;
        held := held || kin;
    END LOOP;
    RETURN kin;
END
$$;
COMMENT ON FUNCTION pggit.hold_kin(pggit.plan_node) IS
'Locks the tables that a step changes or reads where any is a plain role''s, so that nothing is hung on them before it ends; returns them.';

CREATE FUNCTION pggit.rights_of(node pggit.plan_node, statement text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN node.as_owner_of END;
    is_column boolean := node.part LIKE 'column %';
BEGIN
    -- Where no code that may do harm can run, the caller's own rights do: the owner may lack some that the
    -- statement needs, on a partition or a child of another owner, say.
    RETURN CASE
        WHEN node.as_owner_of IS NULL OR NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN NULL
        -- The owner, right after the object was made.
        WHEN node.part = '' AND node.action = 'create' AND statement <> node.statements[1] THEN NULL
        -- The values of both tables are compared, by way of casts where they differ in type.
        WHEN statement ~ ' FOREIGN KEY [(]' THEN CASE WHEN pggit.kin_has_code(node, reading => true) THEN node.as_owner_of END
        -- The name of the table itself is that of a type, too.
        WHEN pggit.has_code(statement, ARRAY[node.identity, coalesce(relation, '')])
             OR pggit.may_evaluate(statement) AND EXISTS (SELECT FROM unnest(pggit.names_in(statement)) n WHERE to_regtype(n) IS NULL AND to_regclass(n) IS NULL)
            THEN node.as_owner_of
        -- A new column that is null everywhere evaluates nothing.
        WHEN node.action = 'create' AND is_column AND statement !~ ' DEFAULT (?!AS IDENTITY)| GENERATED ALWAYS AS [(]' THEN NULL
        -- Only a column that changes has anything to do with the defaults of others.
        WHEN pggit.kin_has_code(node, reading => NOT is_column) THEN node.as_owner_of
        END;
END
$$;
COMMENT ON FUNCTION pggit.rights_of(pggit.plan_node, text) IS
'The relation, type or role (see owner_to_run_as) with whose rights a statement has to run; null where the caller''s will do.';

CREATE FUNCTION pggit.code_of_others(relations text[], reading boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT k FROM unnest(relations) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner
            WHERE NOT r.rolsuper AND (pggit.may_run_code(k, reading) OR EXISTS (
                SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                WHERE i.indrelid = c.oid AND pggit.type_has_code(a.atttypid))) LIMIT 1);
END
$$;
COMMENT ON FUNCTION pggit.code_of_others(text[], boolean) IS
'The first of some tables that is a plain role''s and has code hanging on it, or on its keys; null for none. See may_run_code for reading.';

CREATE FUNCTION pggit.require_one_owner(node pggit.plan_node, kin text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    top oid := CASE WHEN node.as_owner_of !~ '^(role|type) ' THEN to_regclass(node.as_owner_of) END;
    strange text;
BEGIN
    -- The owner of a partition or child, or of a table at the other end of a foreign key, cannot be lent the superuser's
    -- table, nor may its code run as a superuser.
    IF top IS NULL OR node.object_type NOT IN ('TABLE', 'FOREIGN TABLE')
       OR NOT (SELECT r.rolsuper FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = top) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner AND NOT r.rolsuper) THEN
        strange := coalesce(pggit.code_of_others(pggit.kin_of(ARRAY[node.as_owner_of, node.identity], false)),
                            pggit.code_of_others(kin, reading => true));
    END IF;
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'code of its owner''s hangs on %, which stands below a superuser''s table or at the other end of its foreign key', strange
            USING ERRCODE = 'GT045', HINT = 'Give both tables to one role first.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_one_owner(pggit.plan_node, text[]) IS
'For a superuser: raises GT045 where a superuser''s step on its own table would run code that hangs on a plain role''s partition, child or table at the other end of a foreign key.';

CREATE FUNCTION pggit.require_table(relation text) RETURNS oid
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid := (SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass(relation) AND c.relkind IN ('r', 'p'));
BEGIN
    -- While this session waited for a lock, somebody may have put a view in the table's place: reading it would
    -- run the view's code.
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no table %', relation USING ERRCODE = 'GT039', HINT = 'Another session may have changed the schema meanwhile: try again.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION pggit.require_table(text) IS
'The OID of a table. Raises GT039 where the name stands for none; ask when the table is locked.';

CREATE FUNCTION pggit.tables_of(relation text, whole boolean, besides text[] DEFAULT '{}') RETURNS TABLE (member text, owner_to_be text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid;
BEGIN
    EXECUTE format('LOCK TABLE %s %s IN SHARE MODE', CASE WHEN whole THEN '' ELSE 'ONLY' END, relation);
    found := pggit.require_table(relation);
    FOR member IN
        WITH RECURSIVE family (table_oid) AS (
            SELECT found
            UNION SELECT i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.table_oid
            WHERE whole AND i.inhrelid <> ALL (ARRAY(SELECT to_regclass(b)::oid FROM unnest(besides) b))
        )
        SELECT c.oid::regclass::text FROM family f JOIN pg_class c ON c.oid = f.table_oid AND c.relkind = 'r' ORDER BY c.oid
    LOOP
        owner_to_be := CASE WHEN pggit.may_run_code(member, reading => true) THEN member END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.tables_of(text, boolean, text[]) IS
'The tables that hold the rows of one, locked: itself or, whole, with its partitions and children, but for those besides. owner_to_be: as whose owner it is to be read, since a plan runs code that hangs on a table.';

CREATE FUNCTION pggit.count_rows(relation text, whole boolean, condition text DEFAULT 'true', besides text[] DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(pggit.run_step(format('SELECT FROM ONLY %s t WHERE %s', m.member, condition), m.owner_to_be)), 0)
            FROM pggit.tables_of(relation, whole, besides) m);
END
$$;
COMMENT ON FUNCTION pggit.count_rows(text, boolean, text, text[]) IS
'How many rows of a table or, whole, of it and all below it but for those besides meet a condition on t, which is SQL. Locks them.';

CREATE FUNCTION pggit.rows_that_change(relation text, column_name text, becomes text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
    target regtype := to_regtype(becomes);
    there text;
    back text;
BEGIN
    SELECT a.atttypid::regtype AS type, format_type(a.atttypid, a.atttypmod) AS name, a.atttypid < 16384 AND EXISTS (
            SELECT FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod
            WHERE m.amname = 'btree' AND c.opcdefault AND c.opcintype = a.atttypid) AS is_ordered
    INTO source
    FROM pg_attribute a
    WHERE a.attrelid = pggit.require_table(relation) AND a.attname = column_name AND NOT a.attisdropped;
    -- A type that is not there yet is asked again when it is.
    IF target IS NULL OR target = 'text'::regtype THEN
        RETURN 0;
    END IF;
    there := format('t.%I%s::%s', column_name, CASE WHEN pggit.casts_by_itself(source.type, target) THEN '' ELSE '::pg_catalog.text' END, becomes);
    back := format('(%s)%s::%s', there, CASE WHEN pggit.casts_by_itself(target, source.type) THEN '' ELSE '::pg_catalog.text' END, source.name);
    -- 1.5 and 1.50 are the same number; what cannot be compared has a text
    RETURN (
        SELECT coalesce(sum(pggit.run_step(format('SELECT FROM ONLY %s t WHERE %s', m.member, CASE WHEN source.is_ordered
            THEN format('t.%I IS DISTINCT FROM %s', column_name, back)
            ELSE format('pg_catalog.format(''%%s'', t.%I) OPERATOR(pg_catalog.<>) pg_catalog.format(''%%s'', %s)', column_name, back) END), w.who)), 0)
        FROM pggit.tables_of(relation, true) m
        CROSS JOIN LATERAL (SELECT CASE WHEN pggit.type_has_code(target) OR pggit.type_has_code(source.type) THEN m.member ELSE m.owner_to_be END AS who) w);
END
$$;
COMMENT ON FUNCTION pggit.rows_that_change(text, text, text) IS
'In how many rows a column''s value would not survive another type: it is held against what comes back from there.';

CREATE FUNCTION pggit.values_of_attribute(type_name text, attribute text) RETURNS TABLE (relation text, column_name text, value_count bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    direct boolean;
BEGIN
    FOR relation, column_name, direct IN
        WITH RECURSIVE carrier (type) AS (
            SELECT to_regtype(type_name)::oid
            UNION
            -- arrays and domains of it, and types with an attribute of it
            SELECT x.oid FROM carrier k CROSS JOIN LATERAL (
                SELECT t.typarray FROM pg_type t WHERE t.oid = k.type AND t.typarray <> 0
                UNION ALL SELECT t.oid FROM pg_type t WHERE t.typbasetype = k.type
                UNION ALL SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
                    WHERE a.atttypid = k.type AND NOT a.attisdropped) x (oid)
        )
        SELECT c.oid::regclass::text, a.attname::text, a.atttypid = to_regtype(type_name)
        FROM carrier k JOIN pg_attribute a ON a.atttypid = k.type AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' ORDER BY 1, 2
    LOOP
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation);
        value_count := pggit.count_rows(relation, false, format(
            CASE WHEN direct THEN '(t.%I).%s IS DISTINCT FROM NULL' ELSE 't.%I IS DISTINCT FROM NULL' END, column_name, attribute));
        IF value_count > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.values_of_attribute(text, text) IS
'Where columns have values of a type in which an attribute, given as it is quoted, is not null. Inside arrays, domains and other types each value counts.';

CREATE FUNCTION pggit.name_before(of_identity text, nodes pggit.plan_node[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(
        (SELECT n.old_identity FROM unnest(nodes) n WHERE n.part = 'name' AND n.object_type = 'TABLE' AND n.identity = of_identity LIMIT 1),
        (SELECT n.old_identity || '.' || pggit.name_part(of_identity) FROM unnest(nodes) n
         WHERE n.part = 'name' AND n.object_type = 'SCHEMA' AND n.identity = pggit.schema_part(of_identity)),
        of_identity);
END
$$;
COMMENT ON FUNCTION pggit.name_before(text, pggit.plan_node[]) IS 'What a table is called before a plan''s renames.';

CREATE FUNCTION pggit.run_nodes(nodes pggit.plan_node[], force boolean, parked jsonb DEFAULT '[]')
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    node pggit.plan_node;
    statement text;
    role_before text := current_setting('role');
    is_super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user);
    in_role text;
    column_name text;
    changing bigint;
BEGIN
    FOREACH node IN ARRAY nodes LOOP
        IF node.as_owner_of IS NOT NULL AND is_super THEN
            PERFORM pggit.require_one_owner(node, pggit.hold_kin(node));
        END IF;
        -- PostgreSQL's own types were asked before; others may be made, or made anew, by the plan itself.
        IF node.becomes IS NOT NULL AND (node.action = 'resume' OR coalesce(to_regtype(node.becomes)::oid >= 16384, true)) THEN
            column_name := substr(node.part, 8);
            changing := pggit.rows_that_change(node.identity, column_name, node.becomes);
            IF changing > 0 AND parked @> jsonb_build_array(jsonb_build_object('table', node.identity, 'column', column_name)) THEN
                NULL;
            ELSIF changing > 0 AND force THEN
                RETURN QUERY SELECT p.* FROM pggit.park_and_tell(node.identity, column_name) p;
            ELSIF changing > 0 THEN
                RAISE EXCEPTION 'this would drop data: column %.% (as % % values would change)', node.identity, quote_ident(column_name), node.becomes, changing
                    USING ERRCODE = 'GT037', HINT = 'With force => true the data is parked in schema pggit_attic and can be brought back.';
            END IF;
        END IF;
        FOREACH statement IN ARRAY node.statements LOOP
            -- What is done in another role is one step: that role may not call pgGit.
            in_role := CASE
                WHEN starts_with(statement, 'SET ROLE ') THEN statement
                WHEN statement = 'RESET ROLE' THEN in_role || '; SET ROLE ' || CASE role_before WHEN 'none' THEN 'NONE' ELSE quote_ident(role_before) END
                ELSE in_role || '; ' || statement END;
            IF in_role IS NULL OR statement = 'RESET ROLE' THEN
                PERFORM pggit.run_step(coalesce(in_role, statement), pggit.rights_of(node, statement));
                in_role := NULL;
            END IF;
        END LOOP;
        IF node.statements <> '{}' THEN
            RETURN QUERY SELECT CASE WHEN node.part = '' AND node.action <> 'alter' THEN node.action ELSE 'alter' END,
                node.object_type, node.identity, array_to_string(node.statements, E';\n');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.run_nodes(pggit.plan_node[], boolean, jsonb) IS
'Runs the steps of a plan and tells each. Values that a type which the plan itself made would change are parked with force, unless that column is parked already; without it, raises GT037.';

CREATE FUNCTION pggit.apply_tree(target text, force boolean)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET jit = off
SET check_function_bodies = off
SET row_security = off
SET quote_all_identifiers = off
SET standard_conforming_strings = on
SET lc_monetary = 'C'
-- a value has the same text in every session
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET default_tablespace = ''
SET default_table_access_method = heap
AS $$
DECLARE
    from_tree text;
    nodes pggit.plan_node[];
    node pggit.plan_node;
    live_name text;
    leaving text[];
    rows_at_stake bigint;
    stakes text[] := '{}';
    parks jsonb := '[]';
    extension_name text;
    column_name text;
    attribute text;
    differing text;
BEGIN
    -- begin_change() has seen to it that the index is what the catalog has.
    PERFORM pggit.require_tracking();
    PERFORM pggit.lock_head();
    from_tree := pggit.live_tree();
    nodes := ARRAY(SELECT n FROM pggit.plan(from_tree, target) n);
    -- Partitions and children leave before what they keep is dropped above; what they lose, too, they lose by themselves.
    -- A child of several keeps what another one of them has.
    leaving := ARRAY(SELECT pggit.name_before(n.identity, nodes) FROM unnest(nodes) n WHERE n.part = 'link' AND n.action = 'drop')
        || ARRAY(SELECT c.name FROM (SELECT i.inhrelid::regclass::text FROM pg_inherits i GROUP BY i.inhrelid HAVING count(*) > 1) AS c (name)
                 WHERE pggit.tree_lookup(from_tree, pggit.tree_key('TABLE', c.name)) = pggit.tree_lookup(target, pggit.tree_key('TABLE', c.name)));

    FOREACH node IN ARRAY nodes LOOP
        CONTINUE WHEN node.loses IS NULL OR node.action <> 'drop';
        live_name := pggit.name_before(node.identity, nodes);
        -- Locked first, so that nobody adds a row between the look and the drop.
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', live_name);
        rows_at_stake := pggit.count_rows(live_name, node.loses <> '', CASE node.loses WHEN '' THEN 'true' ELSE format('t.%I IS DISTINCT FROM NULL', node.loses) END, leaving);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', live_name, 'column', nullif(node.loses, ''), 'besides', leaving);
            stakes := stakes || CASE node.loses WHEN '' THEN format('table %s (%s rows)', live_name, rows_at_stake)
                ELSE format('column %s.%I (%s values)', live_name, node.loses, rows_at_stake) END;
        END IF;
    END LOOP;
    -- The tables of an extension go with it.
    FOR live_name, extension_name IN
        SELECT c.oid::regclass::text, x.extname FROM unnest(nodes) n JOIN pg_extension x ON n.identity = quote_ident(x.extname)
        JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
        JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'r'
        WHERE n.object_type = 'EXTENSION' AND n.action = 'drop' AND n.part = '' ORDER BY 1
    LOOP
        EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', live_name);
        rows_at_stake := pggit.count_rows(live_name, false);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', live_name);
            stakes := stakes || format('table %s of extension %I (%s rows)', live_name, extension_name, rows_at_stake);
        END IF;
    END LOOP;
    IF force THEN
        RETURN QUERY SELECT p.* FROM jsonb_array_elements(parks) w CROSS JOIN LATERAL pggit.park_and_tell(w ->> 'table', w ->> 'column', ARRAY(SELECT jsonb_array_elements_text(w -> 'besides'))) p;
        parks := '[]';
        stakes := '{}';
    END IF;

    RETURN QUERY SELECT * FROM pggit.run_nodes(ARRAY(SELECT n FROM unnest(nodes) n WHERE n.part = 'name'), force);
    nodes := ARRAY(SELECT n FROM unnest(nodes) n WHERE n.part <> 'name');
    FOREACH node IN ARRAY nodes LOOP
        CONTINUE WHEN node.becomes IS NULL OR node.action <> 'alter';  -- others are text by then
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', node.identity);
        rows_at_stake := pggit.rows_that_change(node.identity, substr(node.part, 8), node.becomes);
        IF rows_at_stake > 0 THEN
            parks := parks || jsonb_build_object('table', node.identity, 'column', substr(node.part, 8));
            stakes := stakes || format('column %s.%I (as %s %s values would change)', node.identity, substr(node.part, 8), node.becomes, rows_at_stake);
        END IF;
    END LOOP;
    FOR live_name, column_name, attribute, rows_at_stake IN
        SELECT v.relation, v.column_name, d.attribute, v.value_count
        FROM unnest(nodes) n CROSS JOIN LATERAL unnest(n.statements) s
        CROSS JOIN LATERAL (SELECT substring(s FROM '^ALTER TYPE .* DROP ATTRIBUTE (.*)$') AS attribute) d
        CROSS JOIN LATERAL pggit.values_of_attribute(n.identity, d.attribute) v
        WHERE n.object_type = 'TYPE' AND n.action = 'alter' AND n.part = '' AND d.attribute IS NOT NULL
    LOOP
        parks := parks || jsonb_build_object('table', live_name, 'column', column_name);
        stakes := stakes || format('column %s.%I (%s values with attribute %s)', live_name, column_name, rows_at_stake, attribute);
    END LOOP;
    IF stakes <> '{}' AND force IS NOT TRUE THEN
        RAISE EXCEPTION 'this would drop data: %', array_to_string(stakes, ', ')
            USING ERRCODE = 'GT037', HINT = 'With force => true the data is parked in schema pggit_attic and can be brought back.';
    END IF;
    RETURN QUERY SELECT p.* FROM jsonb_array_elements(parks) w CROSS JOIN LATERAL pggit.park_and_tell(w ->> 'table', w ->> 'column') p;

    RETURN QUERY SELECT * FROM pggit.run_nodes(nodes, force, parks);

    IF pggit.live_tree() <> target THEN
        from_tree := pggit.live_tree();
        SELECT string_agg(format('%s %s', d.object_type, d.identity), ', ') INTO differing
        FROM (SELECT o.object_type, o.identity FROM pggit.changed_objects(from_tree, target) o ORDER BY o.object_type, o.identity LIMIT 5) d;
        RAISE EXCEPTION 'the schema cannot be brought there: % would differ', differing
            USING ERRCODE = 'GT038', HINT = 'Nothing was changed. Another session may have changed the schema meanwhile: try again.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.apply_tree(text, boolean) IS
'Makes the live schema that of a tree, or fails and changes nothing. Without force it refuses to drop a table or column that holds data (GT037); with force the data is parked first. Returns what it did.';

-- The attic --------------------------------------------------------------------------------------------

CREATE FUNCTION pggit.park_and_tell(relation text, column_name text, besides text[] DEFAULT '{}')
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parked bigint := pggit.park(relation, column_name, besides);
BEGIN
    RETURN QUERY SELECT 'park', 'TABLE', CASE WHEN column_name IS NULL THEN relation ELSE format('%s.%I', relation, column_name) END,
        format('%s rows in %s; pggit.restore_from_attic(%s) brings them back', x.row_count, x.parked_as, x.id)
    FROM pggit.attic x WHERE x.id = parked;
END
$$;
COMMENT ON FUNCTION pggit.park_and_tell(text, text, text[]) IS 'Parks a table or a column''s values and says where, as apply_tree() tells it.';

CREATE FUNCTION pggit.require_attic() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regnamespace('pggit_attic') IS NULL THEN
        CREATE SCHEMA pggit_attic;
        PERFORM pggit.make_private('pggit_attic');
        COMMENT ON SCHEMA pggit_attic IS 'Data of tables and columns that pgGit dropped; pggit.list_attic() lists it.';
    ELSIF (SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pggit_attic') IS NOT TRUE THEN
        -- Who owns a schema can drop whatever is in it.
        RAISE EXCEPTION 'schema pggit_attic, where data are to be parked, belongs to a role that is no superuser'
            USING ERRCODE = 'GT051', HINT = 'ALTER SCHEMA pggit_attic OWNER TO the role that owns schema pggit.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_attic() IS
'Makes schema pggit_attic, for nobody but its owner, where there is none. Raises GT051 for a plain role''s.';

CREATE FUNCTION pggit.park(relation text, column_name text, besides text[] DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off SET row_security = off
SET lc_monetary = 'C' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 1 AS $$
DECLARE
    source regclass := to_regclass(relation);
    caller text := coalesce(nullif(current_setting('role'), 'none'), session_user);
    owner oid := (SELECT c.relowner FROM pg_class c WHERE c.oid = source AND c.relkind IN ('r', 'p'));
    keys text[];
    wanted text[];
    attic_id bigint := nextval('pggit.attic_id_seq');
    target text;
    column_list text;
    values_list text;
    types_list text;
    part record;
    short_name text;
    found bigint := 0;
BEGIN
    IF owner IS NULL THEN
        RAISE EXCEPTION 'there is no table %', relation USING ERRCODE = 'GT039', HINT = 'Give its name with the schema.';
    ELSIF NOT pg_has_role(caller, owner, 'USAGE') THEN
        RAISE EXCEPTION 'only its owner can park data of %', relation USING ERRCODE = 'GT040', HINT = 'Ask the owner, or a superuser.';
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', source);
    IF pggit.require_table(relation) <> source OR (SELECT c.relowner FROM pg_class c WHERE c.oid = source) <> owner THEN
        RAISE EXCEPTION '% is another table now', relation USING ERRCODE = 'GT039', HINT = 'Another session changed the schema meanwhile: try again.';
    END IF;
    keys := ARRAY(SELECT a.attname::text FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
                  JOIN pg_attribute a ON a.attrelid = source AND a.attnum = k.attnum
                  WHERE i.indrelid = source AND i.indisprimary ORDER BY k.place);
    -- Without a key the whole row tells which row a value belongs to.
    wanted := ARRAY(SELECT a.attname::text FROM pg_attribute a
                    WHERE a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                      AND (column_name IS NULL OR keys = '{}' OR a.attname = column_name OR a.attname = ANY (keys)) ORDER BY a.attnum);
    IF column_name IS NOT NULL AND keys = '{}' THEN
        keys := array_remove(wanted, column_name);
    END IF;
    -- A type of the user's may be dropped next, so its values are kept as text, written by their own output
    -- function and not by a cast, which may be somebody's code.
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
        string_agg(CASE WHEN k.is_kept THEN quote_ident(a.attname)
             ELSE format('CASE WHEN %1$I IS DISTINCT FROM NULL THEN pg_catalog.format(''%%s'', %1$I) END', a.attname) END, ', ' ORDER BY a.attnum),
        string_agg(format('%I %s', a.attname, CASE WHEN k.is_kept THEN format_type(a.atttypid, a.atttypmod) ELSE 'pg_catalog.text' END), ', ' ORDER BY a.attnum)
    INTO column_list, values_list, types_list
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    CROSS JOIN LATERAL (SELECT t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AS is_kept) k
    WHERE a.attrelid = source AND a.attnum > 0 AND a.attname = ANY (wanted);
    PERFORM pggit.require_attic();
    short_name := (parse_ident(relation))[2];
    WHILE octet_length(short_name) > 40 LOOP
        short_name := left(short_name, -1);
    END LOOP;
    short_name := short_name || '_' || attic_id;
    target := format('pggit_attic.%I', short_name);
    -- It is the owner's when it is full: code of the owner's may run while it is filled.
    EXECUTE format('CREATE TABLE %s (%s)', target, types_list);
    PERFORM pggit.make_private('pggit_attic', short_name);
    EXECUTE format('GRANT USAGE ON SCHEMA pggit_attic TO %I', pg_get_userbyid(owner));
    FOR part IN SELECT m.member, m.owner_to_be, pggit.owner_to_run_as(m.owner_to_be) AS role FROM pggit.tables_of(relation, column_name IS NOT NULL, besides) m LOOP
        IF part.role IS NOT NULL THEN
            EXECUTE format('GRANT INSERT ON %s TO %I', target, part.role);
            EXECUTE format('GRANT USAGE ON SCHEMA pggit_attic TO %I', part.role);
        END IF;
        found := found + pggit.run_step(CASE WHEN column_list IS NULL THEN format('INSERT INTO %s SELECT FROM ONLY %s', target, part.member)
            ELSE format('INSERT INTO %s (%s) SELECT %s FROM ONLY %s', target, column_list, values_list, part.member) END, part.owner_to_be);
        IF part.role IS NOT NULL THEN
            EXECUTE format('REVOKE INSERT ON %s FROM %I', target, part.role);
        END IF;
    END LOOP;
    EXECUTE format('ALTER TABLE %s OWNER TO %I', target, pg_get_userbyid(owner));
    INSERT INTO pggit.attic (id, object, column_names, key_columns, is_whole, parked_as, row_count, parked_by, parked_at)
    VALUES (attic_id, relation, CASE WHEN column_name IS NULL THEN wanted ELSE ARRAY[column_name] END, keys,
            column_name IS NULL, target, found, session_user, clock_timestamp());
    RETURN attic_id;
END
$$;
COMMENT ON FUNCTION pggit.park(text, text, text[]) IS
'Copies a table''s rows, or a column''s values with the key of their rows and without the children besides, into schema pggit_attic, for the same owner. Returns the id in pggit.attic.';

CREATE FUNCTION pggit.list_attic()
RETURNS TABLE (id bigint, object text, column_names text[], row_count bigint, parked_as text, parked_by text, parked_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    SELECT a.id, a.object, CASE WHEN NOT a.is_whole THEN a.column_names END, a.row_count, a.parked_as, a.parked_by, a.parked_at
    FROM pggit.attic a WHERE a.restored_at IS NULL ORDER BY a.id;
END
$$;
COMMENT ON FUNCTION pggit.list_attic() IS
'Parked data that was not brought back yet. column_names is null for a whole table.';

CREATE FUNCTION pggit.restore_from_attic(attic_id bigint)
RETURNS TABLE (action text, object_type text, object text, detail text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off SET row_security = off
SET lc_monetary = 'C' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 1 AS $$
DECLARE
    kept pggit.attic;
    target regclass;
    missing text;
    matches text;
    statement text;
    kin text[];
    found bigint;
    wanted bigint;
    already bigint;
    counter record;
BEGIN
    SELECT a.* INTO kept FROM pggit.attic a WHERE a.id = attic_id AND a.restored_at IS NULL;
    IF kept.id IS NULL THEN
        RAISE EXCEPTION 'there is nothing with the number % in the attic', attic_id USING ERRCODE = 'GT041', HINT = 'pggit.list_attic() lists what there is.';
    END IF;
    IF to_regclass(kept.object) IS NOT NULL THEN
        PERFORM pggit.require_table(kept.object);
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', kept.object);
        target := pggit.require_table(kept.object);
    END IF;
    SELECT string_agg(quote_ident(c), ', ') INTO missing FROM unnest(kept.column_names || kept.key_columns) c
    WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = c AND NOT a.attisdropped);
    IF target IS NULL OR missing IS NOT NULL THEN
        RAISE EXCEPTION 'the data of % cannot be brought back: %', kept.object,
                CASE WHEN target IS NULL THEN 'the table is missing' ELSE 'column ' || missing || ' is missing' END
            USING ERRCODE = 'GT042', HINT = format('Make it again first, or take what you need from %s yourself.', kept.parked_as);
    END IF;
    kin := pggit.kin_of(ARRAY[kept.object], false);
    PERFORM pggit.require_same_rights(kept.object, kept.parked_as, kin);
    IF kept.is_whole THEN
        statement := format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ONLY %s p', kept.object,
            (SELECT string_agg(quote_ident(c), ', ' ORDER BY place) FROM unnest(kept.column_names) WITH ORDINALITY AS u (c, place)),
            (SELECT string_agg(pggit.parked_value(target, c), ', ' ORDER BY place) FROM unnest(kept.column_names) WITH ORDINALITY AS u (c, place)),
            kept.parked_as);
        wanted := pggit.count_rows(kept.parked_as, false);
        already := pggit.count_rows(kept.object, true);
    ELSE
        -- Rows are known again by the text of their key, or of all their other columns: every type has one, and no
        -- code of anybody's is needed to compare it. Rows that are all the same are counted through.
        matches := format(
            '(SELECT x.tableoid AS its_table, x.ctid AS its_row, y.%1$I AS value FROM'
            ' (SELECT t.tableoid, t.ctid, %2$s AS row_key, row_number() OVER (PARTITION BY %2$s) AS nth FROM %3$s t) x JOIN'
            ' (SELECT p.%1$I, %4$s AS row_key, row_number() OVER (PARTITION BY %4$s) AS nth FROM ONLY %5$s p) y'
            ' ON y.row_key = x.row_key AND y.nth = x.nth WHERE y.%1$I IS DISTINCT FROM NULL)',
            kept.column_names[1], pggit.row_text('t', kept.key_columns), kept.object, pggit.row_text('p', kept.key_columns), kept.parked_as);
        found := pggit.run_step(format('SELECT FROM %s m', matches), CASE
            WHEN EXISTS (SELECT FROM unnest(kin || kept.parked_as) k WHERE pggit.may_run_code(k, reading => true)) THEN kept.object END);
        wanted := pggit.count_rows(kept.parked_as, false, format('t.%I IS DISTINCT FROM NULL', kept.column_names[1]));
        IF found < wanted THEN
            RAISE EXCEPTION 'for % of % values of %.% the row is gone', wanted - found, wanted, kept.object, quote_ident(kept.column_names[1])
                USING ERRCODE = 'GT044', HINT = format('Nothing was brought back; take what you need from %s yourself.', kept.parked_as);
        END IF;
        statement := format('UPDATE %s t SET %I = %s FROM %s p WHERE t.tableoid = p.its_table AND t.ctid = p.its_row', kept.object,
            kept.column_names[1], pggit.parked_value(target, kept.column_names[1], 'value'), matches);
    END IF;
    found := pggit.run_step(statement, kept.object);
    IF kept.is_whole THEN
        found := pggit.count_rows(kept.object, true) - already;
    END IF;
    IF found <> wanted THEN
        RAISE EXCEPTION 'only % of % rows of % came back: a trigger or rule of the table keeps others away', found, wanted, kept.object
            USING ERRCODE = 'GT044', HINT = format('Nothing was brought back; take what you need from %s yourself.', kept.parked_as);
    END IF;
    -- A sequence that numbers the rows goes on after the highest number that came back.
    IF kept.is_whole THEN
        FOR counter IN
            SELECT c AS column_name, pg_get_serial_sequence(kept.object, c) AS sequence FROM unnest(kept.column_names) c
            WHERE pg_get_serial_sequence(kept.object, c) IS NOT NULL
        LOOP
            PERFORM pggit.run_step(format(
                'SELECT setval(%1$L::regclass, max(%2$I)) FROM %3$s HAVING max(%2$I) >= (SELECT last_value FROM %4$s)',
                counter.sequence, counter.column_name, kept.object, counter.sequence), kept.object);
        END LOOP;
    END IF;
    EXECUTE format('DROP TABLE %s', kept.parked_as);
    PERFORM pggit.clear_attic(kept.id);
    RETURN QUERY SELECT 'restore', 'TABLE', CASE WHEN kept.is_whole THEN kept.object ELSE format('%s.%I', kept.object, kept.column_names[1]) END,
        format('%s rows from %s', kept.row_count, kept.parked_as);
END
$$;
COMMENT ON FUNCTION pggit.restore_from_attic(bigint) IS
'Brings parked rows or values back into the table they came from, with that table''s owner''s rights, and empties their place in the attic. All or nothing: where a row is gone that a value belongs to, nothing is brought back (GT044).';

CREATE FUNCTION pggit.require_same_rights(relation text, parked text, kin text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    strange text;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
       OR NOT (SELECT r.rolsuper FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = to_regclass(relation)) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', parked);
    -- A superuser's table is filled with a superuser's rights: no code of a plain role's may hang on what it is filled from,
    -- nor on what is filled with it.
    strange := coalesce(pggit.code_of_others(kin || parked), (
        SELECT k FROM unnest(kin) k JOIN pg_class c ON c.oid = to_regclass(k) JOIN pg_roles r ON r.oid = c.relowner
        WHERE NOT r.rolsuper AND (EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
                                  OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid)) LIMIT 1));
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'code of its owner''s hangs on %, and % is a superuser''s', strange, relation
            USING ERRCODE = 'GT045', HINT = 'Give both tables to one role first.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_same_rights(text, text, text[]) IS
'Raises GT045 where filling a superuser''s table from the attic would run code of a plain role''s: on the parked table or on kin, the table with what is below it.';

CREATE FUNCTION pggit.row_text(alias text, column_names text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('jsonb_build_array(%s)::text', (
        SELECT string_agg(format('CASE WHEN %1$I.%2$I IS DISTINCT FROM NULL THEN format(''%%s'', %1$I.%2$I) END', alias, c), ', ' ORDER BY place)
        FROM unnest(column_names) WITH ORDINALITY AS u (c, place)));
END
$$;
COMMENT ON FUNCTION pggit.row_text(text, text[]) IS 'An expression for the text of some columns of a row.';

CREATE FUNCTION pggit.parked_value(target regclass, column_name text, parked_name text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('p.%I::%s', coalesce(parked_name, column_name), format_type(a.atttypid, a.atttypmod))
            FROM pg_attribute a WHERE a.attrelid = target AND a.attname = column_name);
END
$$;
COMMENT ON FUNCTION pggit.parked_value(regclass, text, text) IS 'A parked column as an expression of the type that the table has.';

CREATE FUNCTION pggit.clear_attic(attic_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    UPDATE pggit.attic a SET restored_at = clock_timestamp()
    WHERE a.id = attic_id AND a.restored_at IS NULL AND to_regclass(a.parked_as) IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only data that is not parked any more can be cleared' USING ERRCODE = 'GT040', HINT = 'pggit.restore_from_attic() brings it back.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.clear_attic(bigint) IS 'Notes that parked data was brought back, when its table is gone.';
