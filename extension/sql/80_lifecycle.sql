-- Switching tracking on and off.

CREATE FUNCTION pggit.version() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    RETURN (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pggit');
END
$$;
COMMENT ON FUNCTION pggit.version() IS 'The installed version of pgGit.';

CREATE FUNCTION pggit.require_superuser(what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION '% needs a superuser', what
            USING ERRCODE = 'GT010', HINT = 'PostgreSQL lets no other role make or drop event triggers.';
    END IF;
END
$$;
COMMENT ON FUNCTION pggit.require_superuser(text) IS 'Raises GT010 for anybody else.';

CREATE FUNCTION pggit.enable() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    event text;
    made integer := 0;
BEGIN
    PERFORM pggit.require_superuser('pggit.enable()');
    PERFORM pggit.require_init();
    FOREACH event IN ARRAY pggit.events() LOOP
        IF NOT EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtname = 'pggit_' || event) THEN
            EXECUTE format('CREATE EVENT TRIGGER %I ON %I EXECUTE FUNCTION pggit.%I()', 'pggit_' || event, event, 'on_' || event);
            made := made + 1;
        ELSE
            EXECUTE format('ALTER EVENT TRIGGER %I ENABLE', 'pggit_' || event);
        END IF;
    END LOOP;
    RETURN CASE made WHEN 0 THEN 'tracking is on' ELSE 'tracking is on; run pggit.rescan() to take in what changed meanwhile' END;
END
$$;
COMMENT ON FUNCTION pggit.enable() IS
'Makes the event triggers that record commands, as far as they are missing. Needs a superuser.';

CREATE FUNCTION pggit.disable() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    event text;
BEGIN
    PERFORM pggit.require_superuser('pggit.disable()');
    FOREACH event IN ARRAY pggit.events() LOOP
        EXECUTE format('DROP EVENT TRIGGER IF EXISTS %I', 'pggit_' || event);
    END LOOP;
    RETURN 'tracking is off';
END
$$;
COMMENT ON FUNCTION pggit.disable() IS
'Drops the event triggers; all that was recorded stays. Needs a superuser.';

CREATE FUNCTION pggit.pause() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    PERFORM pggit.put_setting('paused', 'on');
    RETURN 'tracking is paused for all sessions';
END
$$;
COMMENT ON FUNCTION pggit.pause() IS
'Stops recording in all sessions until resume(); the event triggers stay. pggit.settings tells who did it and when.';

CREATE FUNCTION pggit.resume() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    PERFORM pggit.require_init();
    DELETE FROM pggit.settings WHERE name = 'paused';
    RETURN CASE WHEN FOUND THEN 'tracking goes on; run pggit.rescan() to take in what changed meanwhile'
        ELSE 'tracking was not paused' END;
END
$$;
COMMENT ON FUNCTION pggit.resume() IS 'Ends a pause. What changed during it shows in status() and is taken in by rescan().';

CREATE FUNCTION pggit.init() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    branch bigint;
    tree text;
    first_commit text;
BEGIN
    PERFORM pggit.require_superuser('pggit.init()');
    LOCK TABLE pggit.head IN SHARE ROW EXCLUSIVE MODE;  -- two sessions at once: the second finds it done
    IF EXISTS (SELECT FROM pggit.head) THEN
        RETURN pggit.enable();
    END IF;
    PERFORM pggit.put_setting('data_version', pggit.version());
    PERFORM pggit.adopt_cluster();
    PERFORM pggit.record_everything(pggit.this_command('INIT', 'RESCAN'));
    DELETE FROM pggit.uncommitted;
    SELECT pggit.build_tree(0, coalesce(array_agg(pggit.tree_key(o.object_type, o.identity)), '{}'),
                            coalesce(array_agg(o.blob), '{}')) INTO tree
    FROM pggit.objects o WHERE o.is_active AND NOT o.is_manual;
    branch := nextval('pggit.branches_id_seq');
    first_commit := pggit.put_commit(branch, tree, '{}', 'The schema as pgGit found it');
    INSERT INTO pggit.branches (id, name, head, created_by, created_at)
    VALUES (branch, 'main', first_commit, session_user, clock_timestamp());
    INSERT INTO pggit.head (branch_id) VALUES (branch);
    INSERT INTO pggit.reflog (ref, new_hash, action, changed_by, changed_at)
    VALUES ('main', first_commit, 'init', session_user, clock_timestamp());
    PERFORM pggit.enable();
    RETURN 'tracking is on; branch main begins at commit ' || first_commit;
END
$$;
COMMENT ON FUNCTION pggit.init() IS
'Records what exists as the first commit of branch main and switches tracking on. Needs a superuser; a second call only makes sure that tracking is on. What other sessions have changed and not yet committed by then is missed: status() shows it, rescan() takes it in.';

CREATE FUNCTION pggit.uninstall() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    own record;
    parked bigint;
    copies text;
BEGIN
    PERFORM pggit.disable();
    -- What a downgrade took out of pgGit's own tables goes with them: it means nothing to another installation.
    FOR own IN
        SELECT c.oid::regclass AS parked_table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles r ON r.oid = c.relowner
        WHERE n.nspname = 'pggit_attic' AND c.relkind = 'r' AND r.rolsuper AND c.relname IN (
            'pggit_backups', 'pggit_history', 'pggit_objects', 'pggit_performance_metrics', 'pggit_settings', 'pggit_tallies')
    LOOP
        EXECUTE format('DROP TABLE %s', own.parked_table);
    END LOOP;
    parked := (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'pggit_attic' AND c.relkind = 'r');
    IF parked = 0 AND (SELECT r.rolsuper FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'pggit_attic') THEN
        DROP SCHEMA pggit_attic;
    END IF;
    copies := (SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY n.nspname) FROM pg_namespace n
               WHERE starts_with(n.nspname, 'pggit_backup_'));
    RETURN 'the event triggers are gone; DROP EXTENSION pggit now deletes all that was recorded'
        || CASE WHEN parked > 0 THEN format(
            '; schema pggit_attic stays, with %s tables of parked rows: see pggit.attic for where they belong, before it goes', parked)
            ELSE '' END
        || coalesce('; copies of the record stay in ' || copies, '');
END
$$;
COMMENT ON FUNCTION pggit.uninstall() IS
'Removes what init() made outside the extension, so that DROP EXTENSION pggit needs no CASCADE. Parked rows in schema pggit_attic and copies that upgrades left stay; the result names them.';
