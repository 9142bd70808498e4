\echo Use "ALTER EXTENSION pggit UPDATE TO '0.2.0'" to load this file. \quit

-- From 0.1.0 to 0.2.0: what the two install scripts make differently is changed here, in the same words.
-- The server puts the caller's search_path back at the end of the script.
SET LOCAL search_path TO pg_catalog, pg_temp;

UPDATE pggit.settings SET value = '0.2.0', set_by = session_user, set_at = clock_timestamp()
WHERE name = 'data_version';
