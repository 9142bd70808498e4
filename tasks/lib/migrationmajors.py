"""migration.verify's checks between majors of PostgreSQL: pg_upgrade and dumps, before and after an update of pgGit."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tasks.lib import migrationdata, migrationground, migrationkept, servers
from tasks.lib.errors import PggitError
from tasks.lib.migrationground import Ground
from tasks.lib.migrationways import ALTER, Way
from tasks.lib.suiteserver import SuiteServer

_WORDED_ANEW = ("history", "objects", "blobs", "trees", "uncommitted", "reflog", "settings", "tallies")
"""What may grow when the first command under another major takes in how that one words definitions."""


@dataclass(frozen=True)
class Carried:
    """A database that goes to another major: its name, the way it went before, its data at first and after that."""

    name: str
    way: Way
    first: migrationdata.Snapshot
    data: migrationdata.Snapshot


def across(old_pg: str, new_pg: str, ways: tuple[Way, ...], files: dict[str, bytes]) -> dict[str, list[str]]:
    """What is wrong after each way's database went from one major to another, by the way and how it went there."""
    faults: dict[str, list[str]] = {}
    with SuiteServer(old_pg) as old, SuiteServer(new_pg) as new, tempfile.TemporaryDirectory() as folder:
        ground = Ground(old, files)
        carried = [_prepare(ground, f"carried_{number}", way) for number, way in enumerate(ways)]
        target = Ground(new, files)
        for one in carried:
            path = Path(folder) / one.name
            migrationkept.run(new, "pg_dump", "-Fc", "-f", str(path), old.dsn(one.name))
            new.createdb(one.name)
            migrationkept.restore(new, path, one.name)
            faults[f"{one.way}, a dump"] = _wrong(target, one, exactly=False)
        for name in ("bare", "initialised", "filled"):  # pg_upgrade takes its time for each
            for (database,) in old.admin.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{name}_"]):
                old.dropdb(database)
        old.stop()
        new.stop()
        pg_upgrade(old, new)
        target = Ground(new, files)
        for one in carried:
            faults[f"{one.way}, pg_upgrade"] = _wrong(target, one, exactly=True)
    return faults


def _prepare(ground: Ground, name: str, way: Way) -> Carried:
    ground.server.createdb(name, ground.filled(way.start))
    with ground.connect(name) as database:
        migrationground.go(database, way)
        return Carried(name, way, ground.before(way.start), migrationdata.snapshot(database))


def _wrong(target: Ground, one: Carried, *, exactly: bool) -> list[str]:
    """Whether all came along; again once the first command there was recorded and pgGit is at its newest version."""
    faults = []
    with target.connect(one.name) as database:
        if exactly:
            faults += migrationdata.compare(one.data, migrationdata.snapshot(database))
        database.execute("CREATE TABLE shop.first_there (id integer)")
        database.execute("CALL pggit.finish_upgrade()")
        if database.execute("SELECT pggit.version()").fetchone() != (target.newest,):
            migrationground.step(database, target.newest, ALTER)
            database.execute("CALL pggit.finish_upgrade()")
        after = migrationdata.snapshot(database)
        faults += migrationdata.compare(_unless_reworded(one.first), after, growing=_WORDED_ANEW)
        made = (
            "SELECT DISTINCT change_type, command_tag FROM pggit.history"
            " WHERE id > %s AND identity <> 'shop.first_there'"
        )
        last = max(int(row[one.data.columns["history"].index("id")] or 0) for row in one.data.rows["history"])
        others = [row for row in database.execute(made, [last]) if row != ("RESCAN", "pg_upgrade")]
        faults += [f"the history says {row}" for row in others]
        database.execute("DROP TABLE shop.first_there")
        return faults or migrationkept.goes_on(database, same_major=False)


def _unless_reworded(data: migrationdata.Snapshot) -> migrationdata.Snapshot:
    """Without what another major's wording changes in place: the index itself."""
    kept = {table: names for table, names in data.columns.items() if table not in ("objects", "settings", "tallies")}
    return migrationdata.Snapshot(kept, {table: data.rows[table] for table in kept}, {})


def pg_upgrade(old: SuiteServer, new: SuiteServer) -> None:
    """Upgrade the stopped `old` into the stopped `new`, whose own data go, and start that.

    Raises PggitError with pg_upgrade's own words where it fails.
    """
    shutil.rmtree(new.cluster.data)
    # From 18 on initdb turns checksums on; pg_upgrade wants both alike.
    alike = ["--no-data-checksums"] if int(new.pg) >= 18 else []
    for argv in (
        [*new.cluster.initdb_command(), *alike],
        [
            str(new.bin / "pg_upgrade"), "-b", str(old.bin), "-B", str(new.bin), "-d", str(old.cluster.data),
            "-D", str(new.cluster.data), "-U", servers.SUPERUSER, "-s", str(new.cluster.folder), "--no-sync",
        ],
    ):  # fmt: skip
        result = servers.run_as_server_user(argv, new.cluster.folder)
        if result.returncode:
            raise PggitError(f"{Path(argv[0]).name}: {result.stdout.strip()}")
    new.cluster.configure({}, durable=False)
    new.start()
