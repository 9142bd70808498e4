"""What the extension costs, measured on a scratch server of the newest PostgreSQL.

Two databases that differ in one thing run the same statement in turn, in one session each.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.lib import serverbuilds
from tasks.lib.measurement import Result, from_ratios
from tasks.lib.servers import Server
from tasks.lib.suiteserver import in_memory

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[object, ...]]

_EMPTY_TRIGGER = """
    CREATE FUNCTION public.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER nothing ON ddl_command_end EXECUTE FUNCTION public.nothing();
    """
_ONE_ROW_TRIGGER = """
    CREATE TABLE public.noted (
        id bigint GENERATED ALWAYS AS IDENTITY, tag text, identity text, at timestamptz DEFAULT now());
    CREATE FUNCTION public.note() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        INSERT INTO public.noted (tag, identity)
        SELECT tg_tag, c.object_identity FROM pg_event_trigger_ddl_commands() c;
    END $$;
    CREATE FUNCTION public.note_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        INSERT INTO public.noted (tag, identity)
        SELECT tg_tag, d.object_identity FROM pg_event_trigger_dropped_objects() d WHERE d.original;
    END $$;
    CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION public.note();
    CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION public.note_drop();
    """
PGGIT = "CREATE EXTENSION pggit; SELECT pggit.init();"

DDL = {
    "create table": "CREATE TABLE t{n} (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x', amount numeric)",
    "alter table add column": "ALTER TABLE t{n} ADD COLUMN extra integer",
    "create index": "CREATE INDEX ON t{n} (name)",
    "create view": "CREATE VIEW v{n} AS SELECT id, name FROM t{n}",
    "create function": "CREATE FUNCTION f{n}(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a'",
    "temporary table": "CREATE TEMPORARY TABLE temporary_{n} (id integer)",
    "drop view": "DROP VIEW v{n}",
    "drop table": "DROP TABLE t{n}",
}
_BOUNDS = dict.fromkeys(DDL, 2.0) | {
    # The statement itself takes a fraction of what reading the whole definition and writing it down takes;
    # the bounds keep what was reached from getting worse.
    "alter table add column": 7.0,
    "create view": 4.5,
    "create function": 5.0,
    "drop view": 4.0,
    "create index": 2.5,
    "drop table": 3.0,
}
"""What each may cost; all of them together are to cost less than twice the one-row trigger."""
WARM_UP = 10


@contextmanager
def scratch_server(*, durable: bool = False, parent: Path | None = None) -> Iterator[Server]:
    """A server to measure on, of the newest PostgreSQL; a durable one waits for its disk, as users' do.

    `parent` is the folder for its data; default the one for temporary files.
    """
    settings = {"max_locks_per_transaction": "512"}
    with Server(serverbuilds.majors()[-1], settings=settings, durable=durable, parent=parent) as server:
        yield server


def connect(stack: ExitStack, server: Server, dbname: str) -> "Connection":
    """An autocommit connection that ends with `stack`."""
    import psycopg

    return stack.enter_context(psycopg.connect(server.dsn(dbname), autocommit=True))


def time_of(db: "Connection", statement: str) -> float:
    """How many seconds a statement takes, the way there and back included."""
    begin = time.perf_counter()
    db.execute(statement.encode())
    return time.perf_counter() - begin


def track(full: bool) -> Iterator[Result]:
    """What tracking adds to DDL, against an event trigger that inserts one row, one that does nothing, and none.

    On a server with its data in memory (where there is enough), so that most is left to see; and once more on one
    that keeps what it commits, as those do that somebody uses.
    """
    rounds = 300 if full else 60
    seconds = _times_of_ddl(rounds, durable=False)
    for kind, times in seconds.items():
        yield _track_result(kind, _BOUNDS[kind], times["pggit"], times["one row"], "one-row event trigger")
    whole = _together(seconds)
    yield _track_result("all of these", 2.0, whole["pggit"], whole["one row"], "one-row event trigger")
    yield _track_result("all of these", None, whole["pggit"], whole["empty"], "event trigger that does nothing")
    yield _track_result("all of these", None, whole["pggit"], whole["none"], "no event trigger")
    whole = _together(_times_of_ddl(rounds, durable=True))
    yield _track_result("all of these, fsync on", 2.0, whole["pggit"], whole["one row"], "one-row event trigger")
    yield _track_result("all of these, fsync on", None, whole["pggit"], whole["none"], "no event trigger")


_Times = dict[str, list[float]]
"""For each database how many seconds a statement took, time after time."""


def _times_of_ddl(rounds: int, *, durable: bool) -> dict[str, _Times]:
    seconds: dict[str, _Times] = {}
    setups = {"none": "", "empty": _EMPTY_TRIGGER, "one row": _ONE_ROW_TRIGGER, "pggit": PGGIT}
    # On a disk a new table costs whatever looking for a free inode does. Without a journal, ext4 passes over those of
    # files that were deleted in the last minutes (find_inode_bit() in the kernel's fs/ext4/ialloc.c): after a run of
    # the tests CREATE TABLE was five times as slow, and what pgGit adds seemed little.
    parent = None if durable else in_memory()
    with scratch_server(durable=durable, parent=parent) as server, ExitStack() as stack:
        databases = {}
        for number, (what, setup) in enumerate(setups.items()):
            server.createdb(f"track_{number}")
            databases[what] = connect(stack, server, f"track_{number}")
            databases[what].execute(setup.encode())
        for kind, statement in DDL.items():
            seconds[kind] = {what: [] for what in databases}
            for n in range(WARM_UP + rounds):
                for what, db in databases.items():
                    seconds[kind][what].append(time_of(db, statement.format(n=n)))
    return seconds


def _together(seconds: dict[str, _Times]) -> _Times:
    every = list(seconds.values())
    return {
        what: [sum(all_kinds) for all_kinds in zip(*(times[what] for times in every), strict=True)] for what in every[0]
    }


def _track_result(name: str, bound: float | None, measured: list[float], baseline: list[float], words: str) -> Result:
    ratios = [one / other for one, other in zip(measured, baseline, strict=True)][WARM_UP:]
    return from_ratios("track", name, bound, ratios, words)


def _grow(db: "Connection", first: int, last: int) -> None:
    """Make tables first to last, unseen by the event triggers: that takes a fraction of the time."""
    db.execute("SELECT pggit.pause()")
    db.execute(
        f"""
        DO $$ BEGIN
            FOR n IN {first} .. {last} LOOP
                EXECUTE format(
                    'CREATE TABLE s%s.t%s (id integer NOT NULL, amount integer CHECK (amount > 0))', n % 10, n);
                IF n % 100 = 0 THEN COMMIT; END IF;
            END LOOP;
        END $$""".encode()
    )
    db.execute("SELECT pggit.resume()")
    db.execute("SELECT pggit.rescan()")
    db.execute("SELECT pggit.commit('grown')")


_SIZES = (100, 1_000, 10_000)


@contextmanager
def _sizes(measured: str, sizes: Sequence[int] = _SIZES) -> Iterator[dict[int, "Connection"]]:
    """One database of each size, connected; `measured` begins their names."""
    with scratch_server() as server, ExitStack() as stack:
        template = f"{measured}_template"
        server.createdb(template)
        have = 0
        for size in sizes:
            with ExitStack() as growing:
                db = connect(growing, server, template)
                if not have:
                    db.execute(PGGIT.encode())
                    for n in range(10):
                        db.execute(f"CREATE SCHEMA s{n}".encode())
                _grow(db, have + 1, size)
                db.execute("VACUUM ANALYZE")
            have = size
            server.createdb(f"{measured}_{size}", template)
        yield {size: connect(stack, server, f"{measured}_{size}") for size in sizes}


@contextmanager
def _large(measured: str) -> Iterator["Connection"]:
    """A database of the largest size."""
    with _sizes(measured, _SIZES[-1:]) as databases:
        yield databases[_SIZES[-1]]


def _change(db: "Connection", count: int, column: str, first: int = 1) -> None:
    with db.transaction():
        for n in range(first, first + count):
            db.execute(f"ALTER TABLE s{n % 10}.t{n} ADD COLUMN {column} integer".encode())


def _flatness(area: str, name: str, seconds: dict[int, list[float]]) -> Iterator[Result]:
    small = seconds[_SIZES[0]]
    for size in _SIZES[1:]:
        ratios = [one / other for one, other in zip(seconds[size], small, strict=True)][1:]
        bound = 1.5 if size == _SIZES[-1] else None
        yield from_ratios(area, f"{name}, {size:,} tables", bound, ratios, f"the same with {_SIZES[0]} tables")


def commit(full: bool) -> Iterator[Result]:
    """What a commit of 10 changes costs in large schemas, against a small one."""
    seconds: dict[int, list[float]] = {size: [] for size in _SIZES}
    with _sizes("commit") as databases:
        for n in range(1 + (41 if full else 15)):
            for size, db in databases.items():
                _change(db, 10, f"c{n}")
                seconds[size].append(time_of(db, "SELECT pggit.commit('ten changes')"))
    yield from _flatness("commit", "10 changes", seconds)


def diff(full: bool) -> Iterator[Result]:
    """What comparing two trees with 100 differences costs in large schemas, against a small one."""
    hashes: dict[int, tuple[str, str]] = {}
    statements = {
        "trees": "SELECT * FROM pggit.tree_differences(pggit.tree_of('{0}'), pggit.tree_of('{1}'))",
        "pggit.diff": "SELECT * FROM pggit.diff('{0}', '{1}')",
    }
    seconds = {what: {size: list[float]() for size in _SIZES} for what in statements}
    with _sizes("diff") as databases:
        for size, db in databases.items():
            db.execute("SELECT pggit.tag('before')")
            _change(db, 100, "c")
            db.execute("SELECT pggit.commit('a hundred changes')")
            db.execute("SELECT pggit.tag('after')")
            hashes[size] = ("before", "after")
        for _ in range(1 + (61 if full else 21)):
            for what, statement in statements.items():
                for size, db in databases.items():
                    seconds[what][size].append(time_of(db, statement.format(*hashes[size])))
    for what in statements:
        yield from _flatness("diff", f"{what}, 100 differences", seconds[what])


def merge(full: bool) -> Iterator[Result]:
    """What a checkout and a merge of 10 changes cost among 10,000 tables, against the re-scan they begin with."""
    ratios = {what: list[float]() for what in ("checkout", "merge")}
    with _large("merge") as db:
        for n in range(1 + (31 if full else 7)):
            db.execute("SELECT pggit.create_branch('side')")
            _change(db, 10, f"c{n}")
            db.execute("SELECT pggit.commit('ours')")
            again = time_of(db, "SELECT pggit.rescan()")
            ratios["checkout"].append(time_of(db, "SELECT * FROM pggit.checkout('side')") / again)
            _change(db, 10, f"c{n}", first=11)
            db.execute("SELECT pggit.commit('theirs')")
            db.execute("SELECT * FROM pggit.checkout('main')")
            ratios["merge"].append(time_of(db, "SELECT * FROM pggit.merge('side')") / again)
            db.execute("SELECT pggit.delete_branch('side')")
    for what, those in ratios.items():
        yield from_ratios("merge", f"pggit.{what}(), 10 changes", 1.5, those[1:], "pggit.rescan()")


def timetravel(full: bool) -> Iterator[Result]:
    """What the past costs among 10,000 tables: to read it, against a re-scan of the present, and to go back to it."""
    compared = (
        ("object_at", "SELECT pggit.object_at('s1.t1', max(p.at)) FROM pggit.restore_points p", 0.5, "schema_at"),
        ("schema_at", "SELECT pggit.schema_at(max(p.at)) FROM pggit.restore_points p", 0.5, "rescan"),
        ("restore_to_point", "SELECT * FROM pggit.restore_to_point('p{n}')", 1.5, "rescan"),
    )
    ratios = {what: list[float]() for what, _, _, _ in compared}
    with _large("timetravel") as db:
        for n in range(1 + (31 if full else 7)):
            db.execute(f"SELECT pggit.create_restore_point('p{n}')".encode())
            _change(db, 10, f"c{n}")
            seconds = {"rescan": time_of(db, "SELECT pggit.rescan()")}
            for what, statement, _, _ in compared:
                seconds[what] = time_of(db, statement.format(n=n))
            for what, _, _, baseline in compared:
                ratios[what].append(seconds[what] / seconds[baseline])
    for what, _, bound, baseline in compared:
        yield from_ratios(
            "timetravel", f"pggit.{what}(), 10 changes ago", bound, ratios[what][1:], f"pggit.{baseline}()"
        )


def rescan(full: bool) -> Iterator[Result]:
    """What reading the whole catalog anew costs, against pg_dump --schema-only, with 1,000 tables."""
    ratios = []
    with scratch_server() as server, ExitStack() as stack:
        server.createdb("rescan")
        db = connect(stack, server, "rescan")
        db.execute(PGGIT.encode())
        db.execute("SELECT pggit.pause()")
        db.execute("""
            DO $$ BEGIN
                FOR n IN 1 .. 1000 LOOP
                    EXECUTE format('CREATE TABLE t%1$s (id bigint PRIMARY KEY, name text NOT NULL DEFAULT %2$L,'
                        ' amount numeric CHECK (amount > 0)); CREATE INDEX ON t%1$s (name)', n, 'x');
                    IF n % 100 = 0 THEN COMMIT; END IF;
                END LOOP;
            END $$""")
        db.execute("SELECT pggit.resume()")
        db.execute("SELECT pggit.rescan()")
        db.execute("VACUUM ANALYZE")
        dump = [str(server.bin / "pg_dump"), "--schema-only", "--dbname", server.dsn("rescan")]
        for _ in range(1 + (31 if full else 9)):
            again = time_of(db, "SELECT pggit.rescan()")
            begin = time.perf_counter()
            subprocess.run(dump, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            ratios.append(again / (time.perf_counter() - begin))
    yield from_ratios("rescan", "pggit.rescan(), 1,000 tables", 1.0, ratios[1:], "pg_dump --schema-only")
