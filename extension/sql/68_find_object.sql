-- From what a user writes to an object of the index.

CREATE FUNCTION pggit.name_parts(object text, OUT schema_name text, OUT object_name text, OUT arguments text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off AS $$
DECLARE
    m text[] := regexp_match(object, '^\s*((?:"(?:[^"]|"")+"|[^"().\s]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[^"().\s]+))?)\s*(?:\((.*)\))?\s*$');
    parts text[];
BEGIN
    IF m IS NULL THEN
        RETURN;
    END IF;
    parts := parse_ident(m[1]);
    object_name := parts[cardinality(parts)];
    schema_name := CASE WHEN cardinality(parts) = 2 THEN parts[1] END;
    -- PostgreSQL's own words for types, where it knows them: int is integer, text is pg_catalog.text.
    arguments := CASE WHEN btrim(m[2]) = '' THEN '' ELSE (
        SELECT string_agg(coalesce((pg_identify_object('pg_type'::regclass, pggit.known_type(a.written), 0)).identity, btrim(a.written)),
                          ',' ORDER BY a.place)
        FROM string_to_table(m[2], ',') WITH ORDINALITY AS a (written, place)) END;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN;  -- not a name: an identity of another form, perhaps
END
$$;
COMMENT ON FUNCTION pggit.name_parts(text) IS
'A name as a user writes it, taken apart; all null for what is none. Without arguments in parentheses arguments is null.';

CREATE FUNCTION pggit.known_type(written text) RETURNS oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_regtype(btrim(written));
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pggit.known_type(text) IS 'The type of that name; null where there is none, whatever the text.';

CREATE FUNCTION pggit.find_object(object text, object_type text DEFAULT NULL)
RETURNS TABLE (id bigint, found_type text, identity text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET quote_all_identifiers = off AS $$
DECLARE
    wanted_type text := upper(find_object.object_type COLLATE "C");
    part record;
    best record;
    candidates text;
BEGIN
    PERFORM pggit.require_init();
    SELECT n.schema_name, n.object_name, n.arguments INTO part FROM pggit.name_parts(object) n;
    -- What is there goes before what was dropped, and that before a name of the past; a full identity goes
    -- before a name that leaves something out. The first of these that fits decides.
    FOR best IN
        WITH known AS (
            SELECT o.id, o.object_type, o.identity,
                CASE WHEN o.identity = object THEN 0 ELSE 1 END + CASE WHEN o.is_active THEN 0 ELSE 2 END AS rank
            FROM pggit.objects o
            WHERE NOT o.is_manual
              AND (o.identity = object
                   OR o.object_name = part.object_name AND o.object_type <> 'DEFAULT PRIVILEGES'
                      AND (part.schema_name IS NULL OR o.schema_name = part.schema_name)
                      AND (part.arguments IS NULL
                           OR o.object_type IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE')
                              AND o.identity = format('%s(%s)', concat_ws('.', quote_ident(o.schema_name), quote_ident(o.object_name)),
                                                      part.arguments)))
            UNION ALL
            SELECT h.object_id, h.object_type, h.old_identity, 4
            FROM pggit.history h
            WHERE h.old_identity IS NOT NULL
              AND h.old_identity IN (object, concat_ws('.', quote_ident(coalesce(part.schema_name, 'public')), quote_ident(part.object_name)))
        ), fitting AS (
            SELECT k.object_type, k.identity, k.rank, max(k.id) AS id, min(k.rank) OVER () AS least
            FROM known k
            WHERE wanted_type IS NULL OR k.object_type = wanted_type
            GROUP BY k.object_type, k.identity, k.rank
        )
        SELECT array_agg(f.id) AS ids, array_agg(f.object_type) AS types, array_agg(f.identity) AS identities,
            string_agg(f.object_type || ' ' || f.identity, ', ' ORDER BY f.object_type, f.identity COLLATE "C") AS listed
        FROM fitting f WHERE f.rank = f.least
    LOOP
        IF best.ids IS NULL THEN
            RAISE EXCEPTION 'pgGit knows no % %', coalesce(wanted_type, 'object'), coalesce(quote_literal(object), 'NULL')
                USING ERRCODE = 'GT015',
                HINT = 'Give schema.name, quoted where needed, for a function with its argument types; pggit.objects lists all.';
        ELSIF cardinality(best.ids) > 1 THEN
            candidates := best.listed;
            RAISE EXCEPTION '% can be any of these: %', quote_literal(object), candidates
                USING ERRCODE = 'GT016', HINT = 'Give the schema, for a function its argument types, or the object type as a second argument.';
        END IF;
        id := best.ids[1];
        found_type := best.types[1];
        identity := best.identities[1];
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.find_object(text, text) IS
'The object of the index that a name stands for, dropped ones and former names included: schema.name, a bare name, quoted names, functions with argument types; object_type narrows it down. Raises GT015 when there is none, GT016 when there are several.';
