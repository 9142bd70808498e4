"""migration.verify's checks of the catalog: what an update leaves is what a new installation of that version has."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tasks.lib import catalogdiff, catalogfacts, dumporacle, migrationdata, migrationground
from tasks.lib.catalogdiff import Difference, Facts
from tasks.lib.migrationground import Ground
from tasks.lib.migrationways import ALTER, Way

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

_OUTSIDE = r"\bpggit_(attic|backup_)"
"""Schemas that an update makes beside the extension: what it parks and what it copies beforehand."""


def is_outside(found: Difference) -> bool:
    """Whether a difference is about such a schema, or about the log, which tells how somebody came here."""
    if found.kind in ("dumped by pggit", "initial privileges"):
        return False
    return re.search(_OUTSIDE, found.identity) is not None or (
        found.identity in ("pggit.upgrade_log", "pggit.upgrade_log_upgrade_id_seq")
        and found.attribute in ("rows", "state")
    )


def is_new(ground: Ground, way: Way) -> list[str]:
    """By our comparer, every catalog: objects, members, what is dumped, initial privileges, rows that a script made."""
    with ground.copy(ground.bare(way.start)) as database:
        migrationground.go(database, way)
        found = catalogfacts.read(database)
    return lines(catalogdiff.compare(ground.facts(way.end), found, without=is_outside))


def is_new_to_pg_dump(ground: Ground, way: Way) -> list[str]:
    """By pg_dump, which knows nothing of our comparer."""
    with ground.copy(ground.bare(way.start)) as database:
        migrationground.go(database, way)
        name = database.info.dbname
        database.close()
        found = dumporacle.dump(ground.server, name)
    return lines(catalogdiff.compare(ground.dumped(way.end), found, without=is_outside))


def leaves_no_setting(ground: Ground, way: Way) -> list[str]:
    """No setting is another after it in its transaction; what is done there then is recorded and counted, once."""
    scripts = [data.decode() for name, data in ground.files.items() if name.endswith(".sql")]
    faults = []
    with ground.copy(ground.initialised(way.start)) as database:
        for version in way.stops[1:]:
            statement = f"ALTER EXTENSION pggit UPDATE TO '{version}'"
            faults += lines(catalogfacts.leaks(database, statement, scripts))
            table = f"made_at_{version.replace('.', '_')}"
            with database.transaction():
                database.execute(f"CREATE TABLE before_{table} (id integer)")
                database.execute(statement)
                database.execute(f"CREATE TABLE {table} (id integer)")
                database.execute(f"ALTER TABLE before_{table} RENAME TO renamed_{table}")
            faults += unrecorded(database, f"public.{table}", "CREATE")
            faults += unrecorded(database, f"public.renamed_{table}", "RENAME")
            faults += index_faults(database)
            database.execute("SELECT pggit.note_tracking_error('ALTER', 'XX000', 'an error of the fixture', '')")
        database.execute("CALL pggit.finish_upgrade()")
        faults += migrationdata.unlike_history(database)
    return faults


def unrecorded(database: "Database", identity: str, change: str) -> list[str]:
    """Where the history does not say exactly once that this became of an object."""
    told = "SELECT change_type FROM pggit.history WHERE identity = %s ORDER BY id"
    found = database.execute(told, [identity]).fetchall()
    return [] if found == [(change,)] else [f"{identity}: the history says {found} and not {change}"]


def level_faults(database: "Database") -> list[str]:
    """Where a role has not all that its level has in this version, or has lost its level."""
    found = database.execute("SELECT role_name, level FROM pggit.list_access()").fetchall()
    expected = [(f"verify_{level}", level) for level in sorted(migrationground.LEVELS)]
    faults = [] if found == expected else [f"list_access() gives {found}"]
    lacking = database.execute(_LACKING).fetchall()
    return faults + [f"{role} may not execute {function}" for role, function in lacking]


def index_faults(database: "Database") -> list[str]:
    """What verify() finds, and errors of the tracking that a fixture did not make."""
    found = [*database.execute("SELECT problem, object_type, object FROM pggit.verify()")]
    found += database.execute(
        "SELECT 'error', command_tag, message FROM pggit.tracking_errors WHERE message <> 'an error of the fixture'"
    )
    return [f"verify(): {' '.join(map(str, row))}" for row in found]


# Access -------------------------------------------------------------------------------------------

_HOSTILE = (
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, verify_stranger",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC, verify_stranger",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON ROUTINES TO PUBLIC, verify_stranger",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO PUBLIC, verify_stranger",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC, verify_stranger",
)
_MEMBERS = """
    SELECT i.type, i.identity FROM pg_depend d
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'pggit')
      AND (i.type IN ('table', 'view', 'sequence')
           OR d.classid = 'pg_proc'::regclass AND EXISTS (
               SELECT FROM pg_proc p JOIN pggit.access_list() a ON a.function_name = p.proname
               WHERE p.oid = d.objid AND a.is_public))
"""
_LACKING = """
    SELECT l.role_name, p.oid::regprocedure::text
    FROM pggit.list_access() l JOIN pggit.access_list() a
        ON array_position(pggit.access_levels(), a.level) <= array_position(pggit.access_levels(), l.level)
    JOIN pg_proc p ON p.pronamespace = 'pggit'::regnamespace AND p.proname = a.function_name
    WHERE NOT has_function_privilege(l.role_name, p.oid, 'EXECUTE') ORDER BY 1, 2
"""
_NOT_THE_OWNERS = """
    SELECT format('%s %s grants %s to %s', o.kind, o.name, a.privilege_type,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
    FROM (SELECT 'schema' AS kind, n.oid AS schema, n.nspname::text AS name, n.nspacl AS acl, n.nspowner AS owner
          FROM pg_namespace n
          UNION ALL SELECT 'relation', c.relnamespace, c.oid::regclass::text, c.relacl, c.relowner FROM pg_class c
          UNION ALL SELECT 'function', p.pronamespace, p.oid::regprocedure::text,
              coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner FROM pg_proc p
          UNION ALL SELECT 'type', t.typnamespace, t.oid::regtype::text, t.typacl, t.typowner FROM pg_type t) o
    JOIN pg_namespace n ON n.oid = o.schema CROSS JOIN LATERAL aclexplode(o.acl) a
    WHERE n.nspname ~ '^pggit' AND a.grantee <> o.owner
      AND (a.grantee = 0 OR a.grantee::regrole::text = 'verify_stranger')
    ORDER BY 1
"""


def access_stays(ground: Ground, way: Way) -> list[str]:
    """What users granted and wrote on pgGit's objects stays, levels of access grow, nobody else gets anything."""
    marked = set(ground.once(f"members {way.start}", lambda: _members(ground, way.start)))
    for version in way.stops[1:]:  # what is dropped on the way takes its grants along
        marked &= set(ground.once(f"members {version}", lambda: _members(ground, version)))  # noqa: B023 - called here
    with ground.copy(ground.bare(way.start)) as database:
        _mark(database, marked)
        migrationground.go(database, way)
        found = catalogfacts.read(database)
        faults = [row[0] for row in database.execute(_NOT_THE_OWNERS)]
    with ground.copy(ground.bare(way.end)) as database:
        _mark(database, marked)
        expected = catalogfacts.read(database)
    shipped = {version: ground.facts(version) for version in way.stops}
    careless = ground.once(f"careless {way.end}", lambda: _read_careless(ground, way.end))

    def is_reworded(one: Difference) -> bool:
        """A comment that pgGit itself changed on the way is pgGit's afterwards.

        And what default privileges gave when something was made, and the script took away, is known of it from then on.
        """
        key = (one.kind, one.identity)
        if one.kind == "initial privileges" and found.get(key) == careless.get(key):
            return True
        words = {shipped[version].get(key, {}).get("comment") for version in way.stops}
        return is_outside(one) or (one.attribute == "comment" and len(words) > 1 and one.b in words)

    return faults + lines(catalogdiff.compare(expected, found, without=is_reworded))


def _members(ground: Ground, version: str) -> list[tuple[str, str]]:
    with ground.copy(ground.bare(version)) as database:
        return [(kind, identity) for kind, identity in database.execute(_MEMBERS)]


def _read_careless(ground: Ground, version: str) -> Facts:
    """The catalog of an installation made under careless default privileges."""
    with ground.empty() as name, ground.connect(name) as database:
        for statement in _HOSTILE:
            database.execute(statement)
        database.execute(f"CREATE EXTENSION pggit VERSION '{version}'")
        return catalogfacts.read(database, rows=False)


def _mark(database: "Database", members: Iterable[tuple[str, str]]) -> None:
    """Do what users may do to pgGit's objects: levels of access, own grants, own comments, default privileges."""
    # A new installation has none of the default privileges' doing; an update must not have either.
    statements = [*_HOSTILE, *migrationground.GRANTS, "GRANT USAGE ON SCHEMA pggit TO verify_keeper"]
    for kind, identity in sorted(members):
        on = "TABLE" if kind == "view" else kind.upper()
        right = "EXECUTE" if kind in ("function", "procedure") else "SELECT"
        statements.append(f"GRANT {right} ON {on} {identity} TO verify_keeper WITH GRANT OPTION")
        statements.append(f"COMMENT ON {kind.upper()} {identity} IS 'a note of the user''s'")
    with database.transaction():
        for statement in statements:
            database.execute(statement.encode())


def lines(found: Iterable[Difference]) -> list[str]:
    """One line each."""
    return [str(one) for one in found]


CHECKS = {
    "catalog": (is_new, lambda _way: True),
    "pg_dump": (is_new_to_pg_dump, lambda way: way.how == ALTER),
    "settings": (leaves_no_setting, lambda way: way.how == ALTER),
    "access": (access_stays, lambda _way: True),
}
