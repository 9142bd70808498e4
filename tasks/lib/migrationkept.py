"""migration.verify's checks of the data: an update keeps every row, and pgGit goes on with them."""

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.lib import migrationcatalog, migrationdata, migrationground, servers
from tasks.lib.errors import PggitError
from tasks.lib.migrationground import Ground
from tasks.lib.migrationways import ALTER, Way
from tasks.lib.servers import Server

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

_NO_SEAL_BROKEN = "SELECT seal, status, detail FROM pggit.verify_audit() WHERE status NOT IN ('ok', 'unsealed')"


def keeps_data(ground: Ground, way: Way) -> list[str]:
    """Every row and value that the versions on the way know is there afterwards, and after a way round, all of them."""
    before = ground.before(way.start)
    faults = []
    with ground.copy(ground.filled(way.start)) as database:
        tree = _one(database, "SELECT pggit.live_tree()")
        moment = _one(database, "SELECT clock_timestamp()")
        for version in way.stops[1:]:
            migrationground.go(database, Way((version, version), way.how))
            faults += [f"at {version}: {fault}" for fault in state_faults(ground, database, version, before)]
            for function, value in (("live_tree()", ()), ("tree_at(%s)", (moment,))):
                if _one(database, f"SELECT pggit.{function}", *value) != tree:
                    faults.append(f"at {version}: pggit.{function} is another")
        faults += log_faults(database, way)
        return faults or goes_on(database)


def state_faults(ground: Ground, database: "Database", version: str, before: migrationdata.Snapshot) -> list[str]:
    """Whether the database is at that version, with the data of `before` and nothing left to do."""
    here = (
        _one(database, "SELECT pggit.version()"),
        _setting(database, "data_version"),
        _setting(database, "uncounted"),
    )
    faults = [] if here == (version, version, None) else [f"version, data_version and uncounted are {here}"]
    known = migrationdata.setting_names(ground.before(ground.last_fixture(version)))
    faults += migrationdata.compare(before, migrationdata.snapshot(database), settings=known)
    faults += migrationdata.unlike_history(database)
    faults += migrationdata.colliding_keys(database)
    faults += migrationcatalog.index_faults(database)
    faults += migrationcatalog.level_faults(database)
    faults += [f"verify_audit(): {' '.join(map(str, row))}" for row in database.execute(_NO_SEAL_BROKEN)]
    return faults


def log_faults(database: "Database", way: Way) -> list[str]:
    """Whether the log tells of each step."""
    told = database.execute(
        "SELECT from_version, to_version, status, completed_at IS NOT NULL FROM pggit.upgrade_log"
        " WHERE run_by = session_user ORDER BY upgrade_id"
    ).fetchall()
    expected = [(a, b, "completed", True) for a, b in zip(way.stops, way.stops[1:], strict=False)]
    if way.how == ALTER:  # by itself it writes a row for each script
        told = [row for row in told if row[2:] == ("completed", True)]
        ends = (told[0][0], told[-1][1]) if told else ()
        return [] if ends == (way.start, way.end) else [f"the log says {told}"]
    return [] if told == expected else [f"the log says {told}"]


def goes_on(database: "Database", *, same_major: bool = True) -> list[str]:
    """What comes next is recorded, once; the merge that waited is finished; the counters count on.

    Under another major the definitions have another wording, which is in the way of a merge that began before.
    """
    database.execute("CREATE TABLE shop.afterwards (id serial PRIMARY KEY)")
    database.execute("ALTER TABLE shop.uncommitted RENAME TO renamed")
    faults = migrationcatalog.unrecorded(database, "shop.afterwards", "CREATE")
    faults += migrationcatalog.unrecorded(database, "shop.renamed", "RENAME")
    database.execute("DROP TABLE shop.afterwards")
    if _one(database, "SELECT count(*) FROM pggit.merge_state"):
        if same_major:
            faults += _finish_merge(database)
        else:
            database.execute("SELECT pggit.abort_merge()")
    database.execute("CREATE TABLE shop.last (id integer)")
    database.execute("SELECT pggit.commit('afterwards'), pggit.tag('afterwards'), pggit.seal()")
    waiting = database.execute(
        "SELECT state, object FROM pggit.status() WHERE state NOT IN ('untracked', 'tracking')"
    ).fetchall()
    faults += [f"status() after a commit: {row}" for row in waiting]
    return faults + migrationcatalog.index_faults(database) + migrationdata.unlike_history(database)


def _finish_merge(database: "Database") -> list[str]:
    # What was not committed when it began comes first.
    database.execute("DROP TABLE shop.renamed")
    for (table,) in database.execute(
        "SELECT identity FROM pggit.objects WHERE is_active AND identity IN ('shop.medium', 'shop.high')"
    ).fetchall():
        database.execute(f"DROP TABLE {table}")
    database.execute("SELECT pggit.commit('the merge of side')")
    left = database.execute("SELECT source FROM pggit.merge_state").fetchall()
    comment = _one(database, "SELECT obj_description('shop.customer'::regclass)")
    return [] if (left, comment) == ([], "of both") else [f"the merge that waited: {left}, {comment}"]


def _one(database: "Database", query: str, *values: object) -> Any:
    row = database.execute(query.encode(), values or None).fetchone()
    return row[0] if row else None


def _setting(database: "Database", name: str) -> str | None:
    found: str | None = _one(database, "SELECT value FROM pggit.settings WHERE name = %s", name)
    return found


# Dump and restore ---------------------------------------------------------------------------------


def survives_a_dump(ground: Ground, way: Way) -> list[str]:
    """A dump is whole again where CREATE EXTENSION makes the newest version, and where the dump's own is there."""
    before = ground.before(way.start)
    faults = []
    with tempfile.TemporaryDirectory() as folder, ground.copy(ground.filled(way.start)) as database:
        migrationground.go(database, way)
        path = Path(folder) / "dump"
        dump(ground.server, database.info.dbname, path)
        with ground.empty() as name:
            restore(ground.server, path, name)
            faults += adopted(ground, name, before, way.how, f"restored under {ground.newest}")
        if way.end != ground.newest:
            with ground.empty() as name:
                with ground.connect(name) as there:
                    there.execute(f"CREATE EXTENSION pggit VERSION '{way.end}'")
                restore(ground.server, path, name, with_schema=False)
                with ground.connect(name) as there:
                    told = state_faults(ground, there, way.end, before)
                    faults += [f"restored under {way.end}: {fault}" for fault in told]
                    migrationground.go(there, Way((way.end, ground.newest), way.how))
                faults += adopted(ground, name, before, way.how, f"restored under {way.end} and upgraded")
    return faults


def adopted(ground: Ground, name: str, before: migrationdata.Snapshot, how: str, when: str) -> list[str]:
    """What is wrong in a restored database once the follow-up is called: by itself, or by an upgrade to where it is."""
    with ground.connect(name) as database:
        database.execute("CALL pggit.finish_upgrade()" if how == ALTER else "CALL pggit.upgrade()")
        faults = state_faults(ground, database, ground.newest, before) or goes_on(database)
    return [f"{when}: {fault}" for fault in faults]


def dump(server: Server, name: str, path: Path) -> None:
    """pg_dump a database into a file, in pg_dump's own format."""
    run(server, "pg_dump", "-Fc", "-f", str(path), server.dsn(name))


def restore(server: Server, path: Path, name: str, *, with_schema: bool = True) -> None:
    """pg_restore that file; without the schema's own entry where CREATE EXTENSION made the schema already."""
    listed = run(server, "pg_restore", "-l", str(path))
    kept = [line for line in listed.splitlines() if with_schema or " SCHEMA - pggit " not in line]
    chosen = path.with_suffix(".list")
    chosen.write_text("\n".join(kept) + "\n", "utf-8")
    run(server, "pg_restore", "--exit-on-error", "-L", str(chosen), "-d", server.dsn(name), str(path))


def run(server: Server, program: str, *words: str) -> str:
    """What one of the server's programs prints. Raises PggitError with its own words where it fails."""
    result = subprocess.run(
        [str(server.bin / program), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=servers.clean_environment(),
    )
    if result.returncode or "error" in result.stderr:
        raise PggitError(f"{program}: {result.stderr.strip()}")
    return result.stdout


CHECKS = {
    "data": (keeps_data, lambda _way: True),
    "restore": (survives_a_dump, lambda way: way.stays or not way.is_round),
}
