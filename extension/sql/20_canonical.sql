-- The canonical form of an object: what the readers in 21 to 24 hand out. They run with search_path =
-- pg_catalog, so that every other name in a definition is qualified, hold no OID, and leave out what
-- has its default value, so that the same object gives the same text in every database of one encoding
-- (jsonb orders keys by their length in bytes). Comments are looked up by subqueries and not by
-- obj_description(), which PostgreSQL plans anew in every query.

CREATE TYPE pggit.catalog_entry AS (
    classid oid,
    objid oid,
    relid oid,
    object_type text,
    schema_name text,
    object_name text,
    identity text,
    definition jsonb,
    column_order text[]
);
COMMENT ON TYPE pggit.catalog_entry IS
'An object as the catalog has it now. relid is the table it hangs on, if any.';

-- PL/pgSQL throughout, since SQL-language functions that set search_path are planned anew in every query;
-- STRICT, since most arguments are null and a call that is not made costs nothing.

CREATE FUNCTION pggit.blob_hash(object_type text, identity text, definition jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pggit.digest(object_type || E'\n' || identity || E'\n' || definition::text);
END
$$;
COMMENT ON FUNCTION pggit.blob_hash(text, text, jsonb) IS
'The content address of a definition: sha256 in hex over type, identity and definition.';

CREATE FUNCTION pggit.sorted_acl(acl aclitem[]) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN to_jsonb(ARRAY(SELECT i::text FROM unnest(acl) i ORDER BY i::text COLLATE "C"));
END
$$;
COMMENT ON FUNCTION pggit.sorted_acl(aclitem[]) IS 'Granted privileges as a sorted list of PostgreSQL''s own items.';

CREATE FUNCTION pggit.acl_items(acl aclitem[], kind "char", owner oid) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text[] := ARRAY(SELECT i::text FROM unnest(acl) i ORDER BY i::text COLLATE "C");
BEGIN
    IF given = ARRAY(SELECT i::text FROM unnest(acldefault(kind, owner)) i ORDER BY i::text COLLATE "C") THEN
        RETURN NULL;
    END IF;
    RETURN to_jsonb(given);
END
$$;
COMMENT ON FUNCTION pggit.acl_items(aclitem[], "char", oid) IS
'Granted privileges as a sorted list of PostgreSQL''s own items; null when they are what a new object has.';

CREATE FUNCTION pggit.sorted_options(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT jsonb_agg(o ORDER BY o COLLATE "C") FROM unnest(options) o);
END
$$;
COMMENT ON FUNCTION pggit.sorted_options(text[]) IS 'Storage options in a fixed order; null when there are none.';

-- Values of foreign wrappers', servers', tables' and columns' options can be passwords. Only options whose values are known to be
-- harmless keep theirs; of the others the name is recorded alone.
CREATE FUNCTION pggit.safe_options(options text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(
            CASE WHEN split_part(o, '=', 1) IN (
                'host', 'hostaddr', 'port', 'dbname', 'fetch_size', 'batch_size', 'extensions', 'updatable',
                'use_remote_estimate', 'fdw_startup_cost', 'fdw_tuple_cost', 'async_capable', 'truncatable',
                'keep_connections', 'parallel_commit', 'parallel_abort', 'analyze_sampling', 'sslmode',
                'connect_timeout', 'schema_name', 'table_name', 'column_name', 'filename', 'format', 'header',
                'delimiter', 'quote', 'escape', 'null', 'encoding', 'force_not_null', 'force_null')
            THEN o ELSE split_part(o, '=', 1) END
            ORDER BY o COLLATE "C")
        FROM unnest(options) o);
END
$$;
COMMENT ON FUNCTION pggit.safe_options(text[]) IS
'Options of something foreign, sorted; a value that could be a secret is left out.';

CREATE FUNCTION pggit.is_tracked_schema(schema_name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN schema_name IS NULL
        OR NOT (schema_name IN ('pggit', 'pggit_attic', 'information_schema')
                OR starts_with(schema_name, 'pg_')
                OR starts_with(schema_name, 'pggit_backup_'));
END
$$;
COMMENT ON FUNCTION pggit.is_tracked_schema(text) IS
'Whether objects of this schema are recorded: not those of the system, nor pgGit''s own. Null stands for objects outside all schemas.';

CREATE FUNCTION pggit.tracking_scope() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT s.value FROM pggit.settings s WHERE s.name = 'tracking_scope')::jsonb;
END
$$;
COMMENT ON FUNCTION pggit.tracking_scope() IS 'What configure_tracking() set; null when all is tracked.';

CREATE FUNCTION pggit.matches_any(name text, patterns jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM jsonb_array_elements_text(patterns) p
        WHERE name LIKE replace(replace(replace(replace(p, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'));
END
$$;
COMMENT ON FUNCTION pggit.matches_any(text, jsonb) IS 'Whether a name fits one of some patterns, in which * stands for anything.';

CREATE FUNCTION pggit.in_scope(entry pggit.catalog_entry, scope jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    the_table record;
BEGIN
    IF entry.schema_name IS NULL THEN
        RETURN true;
    ELSIF jsonb_typeof(scope -> 'schemas') = 'array' AND NOT pggit.matches_any(entry.schema_name, scope -> 'schemas') THEN
        RETURN false;
    ELSIF pggit.matches_any(entry.schema_name, scope -> 'ignore') THEN
        RETURN false;
    ELSIF entry.object_type <> 'SCHEMA'
          AND pggit.matches_any(entry.schema_name || '.' || entry.object_name, scope -> 'ignore')
    THEN
        RETURN false;
    ELSIF entry.relid IS NULL OR entry.relid = entry.objid THEN
        RETURN true;
    END IF;
    -- What hangs on a table is ignored with it.
    SELECT n.nspname, c.relname INTO the_table
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = entry.relid;
    RETURN (jsonb_typeof(scope -> 'schemas') IS DISTINCT FROM 'array'
            OR pggit.matches_any(the_table.nspname, scope -> 'schemas'))
       AND NOT pggit.matches_any(the_table.nspname, scope -> 'ignore')
       AND NOT pggit.matches_any(the_table.nspname || '.' || the_table.relname, scope -> 'ignore');
END
$$;
COMMENT ON FUNCTION pggit.in_scope(pggit.catalog_entry, jsonb) IS
'Whether an object is tracked under what configure_tracking() set.';
