-- How an element gets from one state to another while it stands.

CREATE FUNCTION pggit.casts_by_itself(source regtype, target regtype) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(source = target, false)
        OR EXISTS (SELECT FROM pg_type t WHERE t.oid = target AND t.typcategory = 'S' AND t.typtype = 'b')
        OR EXISTS (SELECT FROM pg_cast c WHERE c.castsource = source AND c.casttarget = target AND c.castcontext IN ('a', 'i'));
END
$$;
COMMENT ON FUNCTION pggit.casts_by_itself(regtype, regtype) IS
'Whether ALTER COLUMN ... TYPE needs no USING from one type to another; the other types go by way of text, which every type can take.';

CREATE FUNCTION pggit.type_change(alter_column text, column_sql text, old_type text, new_type text, new_collation text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_plain boolean := false;
BEGIN
    -- Without USING a value that does not fit is an error, with it PostgreSQL might cut it. So USING only where
    -- there is no other way.
    BEGIN
        is_plain := pggit.casts_by_itself(to_regtype(old_type), to_regtype(new_type));
    EXCEPTION WHEN OTHERS THEN
        NULL;  -- a type that is not there yet
    END;
    RETURN concat(alter_column, 'TYPE ', new_type, ' COLLATE ' || new_collation,
        CASE WHEN NOT is_plain THEN format(' USING %s::pg_catalog.text::%s', column_sql, new_type) END);
END
$$;
COMMENT ON FUNCTION pggit.type_change(text, text, text, text, text) IS 'ALTER COLUMN ... TYPE, in the way that loses nothing unseen.';

CREATE FUNCTION pggit.enum_changes(identity text, old_labels jsonb, new_labels jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_list text[] := ARRAY(SELECT l FROM jsonb_array_elements_text(old_labels) l);
    new_list text[] := ARRAY(SELECT l FROM jsonb_array_elements_text(new_labels) l);
    kept text[] := ARRAY(SELECT l FROM unnest(new_list) WITH ORDINALITY AS u (l, place) WHERE l = ANY (old_list) ORDER BY place);
    statements text[] := '{}';
    place integer;
BEGIN
    IF kept = old_list THEN
        FOR place IN 1 .. cardinality(new_list) LOOP
            IF new_list[place] <> ALL (old_list) THEN
                statements := statements || concat('ALTER TYPE ', identity, ' ADD VALUE ', quote_literal(new_list[place]),
                    CASE WHEN place > 1 THEN ' AFTER ' || quote_literal(new_list[place - 1])
                         WHEN old_list <> '{}' THEN ' BEFORE ' || quote_literal(old_list[1]) END);
            END IF;
        END LOOP;
        RETURN statements;
    ELSIF cardinality(old_list) = cardinality(new_list)
          AND NOT EXISTS (SELECT FROM unnest(old_list, new_list) AS u (o, n) WHERE u.o <> u.n AND u.n = ANY (old_list))
    THEN
        -- PostgreSQL drops no label: what has another name at the same place was renamed.
        RETURN ARRAY(SELECT format('ALTER TYPE %s RENAME VALUE %L TO %L', identity, u.o, u.n)
                     FROM unnest(old_list, new_list) WITH ORDINALITY AS u (o, n, place) WHERE u.o <> u.n ORDER BY u.place);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.enum_changes(text, jsonb, jsonb) IS
'Statements that add or rename labels; null where the type has to be made anew.';

CREATE FUNCTION pggit.composite_changes(identity text, old_attributes jsonb, new_attributes jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept text[] := ARRAY(
        SELECT o.a ->> 'name' FROM jsonb_array_elements(old_attributes) WITH ORDINALITY AS o (a, place)
        WHERE EXISTS (SELECT FROM jsonb_array_elements(new_attributes) n WHERE n = o.a) ORDER BY o.place);
    wanted text[] := ARRAY(SELECT n.a ->> 'name' FROM jsonb_array_elements(new_attributes) WITH ORDINALITY AS n (a, place) ORDER BY n.place);
BEGIN
    IF wanted[1:cardinality(kept)] IS DISTINCT FROM kept AND kept <> '{}' THEN
        RETURN NULL;  -- a new attribute comes last
    END IF;
    RETURN ARRAY(SELECT format('ALTER TYPE %s DROP ATTRIBUTE %I', identity, o.a ->> 'name')
                 FROM jsonb_array_elements(old_attributes) WITH ORDINALITY AS o (a, place)
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(new_attributes) n WHERE n = o.a) ORDER BY o.place)
        || ARRAY(SELECT concat('ALTER TYPE ', identity, ' ADD ATTRIBUTE ', quote_ident(n.a ->> 'name'), ' ', n.a ->> 'type', ' COLLATE ' || (n.a ->> 'collation'))
                 FROM jsonb_array_elements(new_attributes) WITH ORDINALITY AS n (a, place)
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(old_attributes) o WHERE o = n.a) ORDER BY n.place);
END
$$;
COMMENT ON FUNCTION pggit.composite_changes(text, jsonb, jsonb) IS
'Statements that drop and add attributes; null where the type has to be made anew.';

CREATE FUNCTION pggit.alter_column(a pggit.element, b pggit.element) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    column_name text := substr(b.part, 8);
    command text := format('ALTER TABLE %s ALTER COLUMN %I ', b.identity, column_name);
    statements text[] := '{}';
BEGIN
    IF a.state -> 'generated' IS DISTINCT FROM b.state -> 'generated' THEN
        IF a.state #>> '{generated,kind}' = 'stored' AND NOT b.state ? 'generated' THEN
            statements := ARRAY[command || 'DROP EXPRESSION'];
        ELSE
            RETURN NULL;
        END IF;
    END IF;
    IF a.state -> 'type' <> b.state -> 'type' OR a.state -> 'collation' IS DISTINCT FROM b.state -> 'collation' THEN
        IF b.state ? 'generated' THEN
            RETURN NULL;
        END IF;
        statements := statements || pggit.type_change(
            command, quote_ident(column_name), a.state ->> 'type', b.state ->> 'type',
            coalesce(b.state ->> 'collation', CASE WHEN a.state ? 'collation' AND a.state -> 'type' = b.state -> 'type' THEN '"default"' END));
    END IF;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION pggit.alter_column(pggit.element, pggit.element) IS
'Statements that change a column''s type or make it a plain one; null where it has to be made anew.';

CREATE FUNCTION pggit.alter_element(a pggit.element, b pggit.element) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := substring(b.part FROM '^(.*?)( |$)');
    rest text := substr(b.part, length(kind) + 2);
    command text := format('ALTER %s %s', b.object_type, b.identity);
BEGIN
    IF b.part = '' THEN
        CASE
            WHEN b.object_type = 'TABLE' AND a.state - 'typed' = b.state - 'typed' THEN
                -- The columns of a typed table must stand in the type's order, which only a new table gets.
                RETURN CASE WHEN a.state ? 'typed' AND b.state ? 'typed' THEN NULL ELSE '{}'::text[] END;
            WHEN b.object_type = 'SEQUENCE' THEN
                RETURN ARRAY[concat(command, ' AS ', b.state ->> 'type', ' ', pggit.sequence_options(b.state))];
            WHEN b.object_type IN ('FUNCTION', 'PROCEDURE') THEN
                -- What stands before LANGUAGE cannot be replaced, but for what a new default would allow.
                RETURN CASE WHEN split_part(a.state ->> 'definition', E'\n LANGUAGE ', 1) = split_part(b.state ->> 'definition', E'\n LANGUAGE ', 1)
                    THEN b.make[1:1] END;
            WHEN b.object_type = 'TYPE' AND a.state ? 'labels' AND b.state ? 'labels' THEN
                RETURN pggit.enum_changes(b.identity, a.state -> 'labels', b.state -> 'labels');
            WHEN b.object_type = 'TYPE' AND a.state ? 'attributes' AND b.state ? 'attributes' THEN
                RETURN pggit.composite_changes(b.identity, a.state -> 'attributes', b.state -> 'attributes');
            WHEN b.object_type = 'EXTENSION' THEN
                RETURN array_remove(ARRAY[
                    CASE WHEN a.state -> 'schema' <> b.state -> 'schema' THEN command || ' SET SCHEMA ' || (b.state ->> 'schema') END,
                    CASE WHEN a.state -> 'version' <> b.state -> 'version' THEN command || format(' UPDATE TO %I', b.state ->> 'version') END], NULL);
            WHEN b.object_type = 'FOREIGN DATA WRAPPER' THEN
                RETURN ARRAY[concat(command, coalesce(' HANDLER ' || (b.state ->> 'handler'), ' NO HANDLER'),
                                    coalesce(' VALIDATOR ' || (b.state ->> 'validator'), ' NO VALIDATOR'))];
            WHEN b.object_type = 'DEFAULT PRIVILEGES' THEN
                RETURN a.unmake || b.make;
            ELSE
                RETURN NULL;
        END CASE;
    END IF;
    IF b.part = 'acl' OR starts_with(b.part, 'identity acl ') THEN
        RETURN pggit.acl_changes(
            (b.state ->> 'kind')::"char", b.state ->> 'target', nullif(a.state -> 'acl', 'null'), a.state ->> 'owner',
            nullif(b.state -> 'acl', 'null'), b.state ->> 'owner', NULL, nullif(a.state -> 'columns', 'null'), nullif(b.state -> 'columns', 'null'));
    ELSIF b.part IN ('options', 'toast options') AND b.object_type NOT IN ('FOREIGN DATA WRAPPER', 'SERVER') THEN
        RETURN pggit.option_changes(command, a.state, b.state, CASE kind WHEN 'toast' THEN 'toast.' ELSE '' END);
    ELSIF starts_with(b.part, 'column options ') THEN
        RETURN pggit.option_changes(format('%s ALTER COLUMN %I', command, substr(b.part, 16)), a.state, b.state);
    ELSIF starts_with(b.part, 'options ') THEN
        RETURN pggit.option_changes(format('ALTER TABLE ONLY %s ALTER COLUMN %I', b.identity, rest), a.state, b.state);
    ELSIF starts_with(b.part, 'index options ') THEN
        RETURN pggit.option_changes(
            format('ALTER INDEX %s.%I', pggit.schema_part(b.identity), substr(b.part, 15)), a.state, b.state);
    ELSIF b.part = 'options' OR b.part = 'fdw options' THEN
        RETURN pggit.foreign_option_changes(command, a.state, b.state);
    ELSIF starts_with(b.part, 'fdw options ') THEN
        RETURN pggit.foreign_option_changes(format('%s ALTER COLUMN %I', command, substr(b.part, 13)), a.state, b.state);
    ELSIF kind = 'column' THEN
        RETURN pggit.alter_column(a, b);
    ELSIF kind = 'constraint' THEN
        IF a.state - '{inherited,parent}'::text[] = b.state - '{inherited,parent}'::text[] THEN
            RETURN '{}';  -- comes and goes with the inheritance
        ELSIF a.state ->> 'definition' = (b.state ->> 'definition') || ' NOT VALID' THEN
            RETURN ARRAY[format('%s VALIDATE CONSTRAINT %I', command, rest)];
        END IF;
        RETURN NULL;
    ELSIF starts_with(b.part, 'default ') AND b.state = 'null' THEN
        RETURN a.unmake;
    ELSIF starts_with(b.part, 'identity persistence ') THEN
        RETURN '{}';  -- that of the table
    ELSIF kind = 'identity' THEN
        RETURN array_remove(ARRAY[
            CASE WHEN a.state -> 'sequence' <> b.state -> 'sequence' AND pggit.schema_part(a.state ->> 'sequence') = pggit.schema_part(b.state ->> 'sequence')
                THEN format('ALTER SEQUENCE %s RENAME TO %s', a.state ->> 'sequence', pggit.name_part(b.state ->> 'sequence')) END,
            CASE WHEN a.state - 'sequence' <> b.state - 'sequence' THEN
                format('ALTER TABLE %s ALTER COLUMN %I SET GENERATED %s ', b.identity, rest, upper((b.state ->> 'kind') COLLATE "C"))
                || (SELECT string_agg('SET ' || o[1], ' ') FROM regexp_matches(pggit.sequence_options(b.state), '(NO CYCLE|CYCLE|[A-Z]+ -?[0-9]+)', 'g') o)
            END], NULL);
    ELSIF starts_with(b.part, 'not null ') AND NOT starts_with(b.part, 'not null comment ') AND b.object_type <> 'DOMAIN' THEN
        IF a.state = 'null' OR b.state = 'null' THEN
            RETURN b.make;
        END IF;
        RETURN CASE WHEN a.state <> b.state AND NOT b.state ? 'inherited' AND pggit.not_null_sql('', '') <> '' THEN pggit.alter_not_null(a, b, substr(b.part, 10)) ELSE '{}' END;
    ELSIF b.part IN ('link', 'attached') OR kind = 'attached' OR b.part = 'not null' THEN
        RETURN NULL;
    END IF;
    RETURN b.make;
END
$$;
COMMENT ON FUNCTION pggit.alter_element(pggit.element, pggit.element) IS
'Statements that bring an element from state a to state b while it stands; null where it has to be made anew.';

CREATE FUNCTION pggit.alter_not_null(a pggit.element, b pggit.element, column_name text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_name text := coalesce(a.state ->> 'name', pggit.default_not_null_name((parse_ident(a.identity))[2], column_name));
    new_name text := coalesce(b.state ->> 'name', pggit.default_not_null_name((parse_ident(b.identity))[2], column_name));
    was_valid boolean := coalesce(a.state ->> 'definition', '') !~ ' NOT VALID$';
    is_valid boolean := coalesce(b.state ->> 'definition', '') !~ ' NOT VALID$';
    went_down boolean := coalesce(a.state ->> 'definition', '') !~ ' NO INHERIT( NOT VALID)?$';
    goes_down boolean := coalesce(b.state ->> 'definition', '') !~ ' NO INHERIT( NOT VALID)?$';
BEGIN
    IF was_valid AND NOT is_valid THEN
        RETURN NULL;
    END IF;
    RETURN array_remove(ARRAY[
        -- One that was inherited has any name. PostgreSQL renames it in all tables below, if it has the same name there.
        CASE WHEN old_name <> new_name OR a.state ? 'inherited' THEN 'DO ' || quote_literal(format(
            'DECLARE k pg_catalog.name; BEGIN FOR k IN SELECT c.conname FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a'
            ' ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] WHERE c.conrelid = %L::pg_catalog.regclass AND c.contype = ''n'''
            ' AND a.attname = %L AND c.conname <> %L LOOP'
            ' BEGIN EXECUTE pg_catalog.format(%L, k); EXCEPTION WHEN undefined_object THEN'
            ' ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL; ALTER TABLE %s ADD CONSTRAINT %I %s; END; END LOOP; END',
            b.identity, column_name, new_name,
            format('ALTER TABLE %s RENAME CONSTRAINT %%I TO %s', replace(b.identity, '%', '%%'), replace(quote_ident(new_name), '%', '%%')),
            b.identity, column_name, b.identity, new_name, coalesce(b.state ->> 'definition', 'NOT NULL ' || quote_ident(column_name)))) END,
        CASE WHEN went_down <> goes_down
            THEN format('ALTER TABLE %s ALTER CONSTRAINT %I %s', b.identity, new_name, CASE WHEN goes_down THEN 'INHERIT' ELSE 'NO INHERIT' END) END,
        CASE WHEN NOT was_valid AND is_valid THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I', b.identity, new_name) END], NULL);
END
$$;
COMMENT ON FUNCTION pggit.alter_not_null(pggit.element, pggit.element, text) IS
'Statements for a NOT NULL constraint that has a name of its own, from PostgreSQL 18 on.';
