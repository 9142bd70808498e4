-- Who may call what. This list is the one place that says which functions are for users and what level each
-- needs; the reference page is made from it.

CREATE FUNCTION pggit.access_list() RETURNS TABLE (function_name text, level text, is_public boolean)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, l.level, l.is_public
    FROM (VALUES
        ('reader', true, 'version status verify log show graph list_branches ref_history diff diff_sql merge_base conflicts'),
        ('reader', true, 'tree_of tree_at live_tree schema_at object_at object_ddl export_ddl generate_migration'),
        ('reader', true, 'list_restore_points list_attic list_access find_object get_history get_version blame'),
        ('reader', true, 'get_impact_analysis verify_audit health_check prometheus_metrics monitoring_settings'),
        ('reader', false, 'settle'),
        ('committer', true, 'commit create_branch delete_branch tag delete_tag create_restore_point delete_restore_point seal'),
        ('committer', true, 'record_metric'),
        ('committer', false, 'commit_index lock_head'),
        ('admin', true, 'checkout merge resolve_conflict abort_merge revert reset restore_to_point restore_from_attic'),
        ('admin', true, 'rescan pause resume configure_tracking apply_tree configure_monitoring prune_metrics archive_history'),
        ('admin', false, 'switch_head forward_branch reset_branch start_merge finish_merge revert_tree park clear_attic'),
        ('owner', true, 'init uninstall enable disable upgrade grant_access revoke_access'),
        ('owner', true, 'check_upgrade finish_upgrade list_upgrade_backups prune_upgrade_backups restore_upgrade_backup')
    ) AS l (level, is_public, names)
    CROSS JOIN LATERAL string_to_table(l.names, ' ') AS n (name);
END
$$;
COMMENT ON FUNCTION pggit.access_list() IS
'The functions for users with the level that each needs (reader, committer, admin, or owner for those that are never granted), and, with is_public = false, what these call that runs with the owner''s rights.';

CREATE FUNCTION pggit.access_levels() RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['reader', 'committer', 'admin'];
END
$$;
COMMENT ON FUNCTION pggit.access_levels() IS 'The levels that can be granted; each includes those before it.';

CREATE FUNCTION pggit.check_grantee(role_name text, what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pggit.require_superuser(what);
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role_name) THEN
        RAISE EXCEPTION 'there is no role %', coalesce(quote_literal(role_name), 'NULL')
            USING ERRCODE = 'GT020', HINT = 'Give the name of one role as pg_roles has it; PUBLIC is none.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.check_grantee(text, text) IS 'Raises GT010 for anybody but a superuser, GT020 for a name that no role has.';

CREATE FUNCTION pggit.revoke_access(role_name text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_grantee(role_name, 'pggit.revoke_access()');
    EXECUTE format('REVOKE ALL ON SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA pggit FROM %I', role_name);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA pggit FROM %I', role_name);
    RETURN format('%s has no access to pgGit', quote_ident(role_name));
END
$$;
COMMENT ON FUNCTION pggit.revoke_access(text) IS 'Takes from a role whatever it was granted on pgGit. Needs a superuser.';

CREATE FUNCTION pggit.extend_access(role_name text, level text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place integer := array_position(pggit.access_levels(), level);
    granted text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA pggit TO %I', role_name);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA pggit TO %I', role_name);
    -- A function that is not listed and runs with its caller's rights can do nothing that the caller could not;
    -- those that are listed call it. One with the owner's rights that is not listed stays the owner's.
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO granted
    FROM pg_proc p LEFT JOIN pggit.access_list() a ON a.function_name = p.proname
    WHERE p.pronamespace = 'pggit'::regnamespace
      AND (array_position(pggit.access_levels(), a.level) <= place OR a.level IS NULL AND NOT p.prosecdef);
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', granted, role_name);
    IF level = 'admin' THEN
        EXECUTE format('GRANT INSERT ON pggit.resolutions TO %I', role_name);
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.extend_access(text, text) IS 'Gives a role whatever a level of access has, beside what it has already.';

CREATE FUNCTION pggit.grant_access(role_name text, level text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.check_grantee(role_name, 'pggit.grant_access()');
    IF array_position(pggit.access_levels(), level) IS NULL THEN
        RAISE EXCEPTION 'there is no level %', coalesce(quote_literal(level), 'NULL')
            USING ERRCODE = 'GT019', HINT = format('Valid are %s.', array_to_string(pggit.access_levels(), ', '));
    END IF;
    PERFORM pggit.revoke_access(role_name);
    PERFORM pggit.extend_access(role_name, level);
    RETURN format('%s is a %s of pgGit', quote_ident(role_name), level);
END
$$;
COMMENT ON FUNCTION pggit.grant_access(text, text) IS
'Gives a role, instead of what it had, one level of access. reader: see everything. committer: also commit, branch, tag, restore points, seals. admin: also everything that changes the schema, for which the role needs its own rights on the objects as well. Needs a superuser.';

CREATE FUNCTION pggit.list_access() RETURNS TABLE (role_name text, level text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN QUERY
    -- What is not for users is granted by grant_access() alone: a function that somebody granted by hand is no level.
    SELECT r.rolname::text,
        (SELECT l.level FROM unnest(pggit.access_levels()) WITH ORDINALITY AS l (level, place)
         WHERE l.place = (
             SELECT count(DISTINCT a.level) FROM pg_proc p JOIN pggit.access_list() a ON a.function_name = p.proname
             CROSS JOIN LATERAL aclexplode(p.proacl) x
             WHERE p.pronamespace = 'pggit'::regnamespace AND x.grantee = r.oid AND NOT a.is_public
               AND array_position(pggit.access_levels(), a.level) <= l.place)
         ORDER BY l.place DESC LIMIT 1)
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) g JOIN pg_roles r ON r.oid = g.grantee
    WHERE n.nspname = 'pggit' AND g.grantee <> n.nspowner
    GROUP BY r.oid, r.rolname ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION pggit.list_access() IS
'The roles that were granted access, with the level that grant_access() gave; null for those that were granted single things by hand.';
