"""Servers whose extension folder holds versions that tests make up, and such versions."""

import re
from collections.abc import Mapping

from tasks.lib import sqlscript
from tasks.lib.suiteserver import SuiteServer
from tasks.lib.versionserver import VersionServer

HERE = sqlscript.version()
NEW = """
CREATE FUNCTION pggit.later() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
    'BEGIN RETURN 1; END';
REVOKE ALL ON FUNCTION pggit.later() FROM PUBLIC;
DO $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN SELECT DISTINCT a.grantee::regrole::text FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
                   WHERE p.oid = 'pggit.later'::regproc AND a.grantee <> p.proowner LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION pggit.later() FROM %s', grantee);
    END LOOP;
END
$$;
COMMENT ON FUNCTION pggit.later() IS 'Something new.';
CREATE INDEX history_later ON pggit.history (command_tag);
"""
"""What every version after this one brings."""
OLD = "DROP FUNCTION pggit.later(); DROP INDEX pggit.history_later;"


def install(version: str) -> dict[str, bytes]:
    """The install script of a version after this one."""
    return {f"pggit--{version}.sql": (sqlscript.install_script(version) + NEW).encode()}


def update(start: str, end: str, body: str, *, completes: bool = True) -> dict[str, bytes]:
    """An update script that does `body`."""
    last = f"SELECT pggit.complete_update('{start}', '{end}');" if completes else ""
    script = f"SET LOCAL search_path TO pg_catalog, pg_temp;\n{sqlscript.functions_of(end)}\n{body}\n{last}\n"
    return {f"pggit--{start}--{end}.sql": script.encode()}


def following(version: str, start: str = HERE) -> dict[str, bytes]:
    """A whole version after `start`: install script, the way there and the way back."""
    (new, old) = (NEW, OLD) if start == HERE else ("", "")
    return {**install(version), **update(start, version, new), **update(version, start, old)}


def with_default(files: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """These files beside this checkout's, and that version the one that CREATE EXTENSION makes."""
    every = {**sqlscript.contents(), **files}
    name = sqlscript.CONTROL.name
    control = re.sub(rb"default_version\s*=.*", f"default_version = '{version}'".encode(), every[name])
    return {**every, name: control}


class MadeUpServer(SuiteServer, VersionServer):
    """A scratch server for many databases whose extension folder holds just the files it is given."""
