"""Both ways to tell whether two databases hold the same, tried with faults."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from tasks.lib import catalogdiff, catalogfacts, catalogmap, dumporacle, sqlscript
from tasks.lib.catalogdiff import Difference
from tasks.lib.errors import PggitError
from tests.extension.conftest import Connection, SuiteServer
from tests.upgrade.planted_faults import ALSO, BLIND, FAULTS, Fault

Plant = Callable[[list[Fault]], str]


@pytest.fixture
def plant(server: SuiteServer) -> Iterator[Plant]:
    """`plant(faults)`: the name of a new database with pggit, ALSO and these faults; nobody is connected to it."""
    made: list[str] = []

    def plant(faults: list[Fault]) -> str:
        made.append(f"planted_{len(made)}")
        server.createdb(made[-1])
        with psycopg.connect(server.dsn(made[-1]), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit")
            db.execute(ALSO)
            for fault in faults:
                statement = fault.statement.replace("{database}", made[-1])
                db.execute(statement)
        return made[-1]

    yield plant
    for name in made:
        server.dropdb(name)


def read(server: SuiteServer, name: str) -> catalogdiff.Facts:
    with psycopg.connect(server.dsn(name), autocommit=True) as db:
        return catalogfacts.read(db)


def test_the_comparer_finds_every_fault_and_the_dump_all_but_those_it_is_blind_to(
    server: SuiteServer, plant: Plant
) -> None:
    whole, again, faulty = plant([]), plant([]), plant(list(FAULTS))
    assert catalogdiff.compare(read(server, whole), read(server, again), physical=True) == []
    found = catalogdiff.compare(read(server, whole), read(server, faulty))
    assert {fault.fact for fault in FAULTS} - {f"{x.kind} {x.identity}: {x.attribute}" for x in found} == set()

    dumped = dumporacle.dump(server, whole)
    assert catalogdiff.compare(dumped, dumporacle.dump(server, again)) == []
    seen = catalogdiff.compare(dumped, dumporacle.dump(server, faulty))
    expected = {fault.dumped for fault in FAULTS if fault.dumped != BLIND}
    assert expected - {f"{x.kind} {x.identity}" for x in seen} == set()


def test_the_dump_sees_nothing_of_what_it_is_said_to_be_blind_to(server: SuiteServer, plant: Plant) -> None:
    blind = [fault for fault in FAULTS if fault.dumped == BLIND]
    assert catalogdiff.compare(dumporacle.dump(server, plant([])), dumporacle.dump(server, plant(blind))) == []


def test_there_are_faults_enough_and_each_is_about_something_of_its_own() -> None:
    assert len([fault for fault in FAULTS if fault.dumped != BLIND]) >= 20
    assert len({fault.fact for fault in FAULTS}) == len(FAULTS)


def test_a_dump_that_fails_says_why(server: SuiteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.createdb("dumped")
    monkeypatch.setattr(dumporacle, "orphan", lambda _dsn: None)
    monkeypatch.setattr(SuiteServer, "dsn", lambda _self, name="postgres", user="x": "host=/nowhere dbname=x")
    with pytest.raises(PggitError, match=r"pg_dump: .*nowhere"):
        dumporacle.dump(server, "dumped")
    monkeypatch.undo()
    server.dropdb("dumped")


def test_the_order_of_columns_and_dropped_ones_count_only_when_asked_for(bare_db: Connection) -> None:
    bare_db.execute("CREATE TABLE t (a integer, b text)")
    before = catalogfacts.read(bare_db)
    bare_db.execute("ALTER TABLE t DROP COLUMN a, ADD COLUMN a integer")
    after = catalogfacts.read(bare_db)
    assert catalogdiff.compare(before, after) == []
    assert {(x.identity, x.attribute) for x in catalogdiff.compare(before, after, physical=True)} == {
        ("public.t", "physical dropped columns"),
        ("public.t.a", "physical position"),
        ("public.t.b", "physical position"),
    }


def test_the_order_of_a_types_attributes_always_counts(bare_db: Connection) -> None:
    bare_db.execute("CREATE TYPE pair AS (a integer, b text)")
    before = catalogfacts.read(bare_db)
    bare_db.execute("ALTER TYPE pair DROP ATTRIBUTE a, ADD ATTRIBUTE a integer")
    found = catalogdiff.compare(before, catalogfacts.read(bare_db))
    assert {(x.identity, x.attribute) for x in found} == {("public.pair.a", "position"), ("public.pair.b", "position")}


def test_no_fact_holds_an_oid(bare_db: Connection) -> None:
    """The same made in another order, so that every OID is another."""
    first, second = "CREATE TABLE t (id serial PRIMARY KEY REFERENCES t)", "CREATE VIEW v AS SELECT 1 AS one"
    found = []
    for statements in ((first, second), (second, first)):
        for statement in statements:
            bare_db.execute(statement)
        found.append(catalogfacts.read(bare_db))
        bare_db.execute("DROP TABLE t; DROP VIEW v")
    assert catalogdiff.compare(*found, physical=True) == []


def test_a_schema_alone(bare_db: Connection) -> None:
    bare_db.execute("CREATE EXTENSION pggit")
    before = catalogfacts.read(bare_db, schema="pggit")
    everything = catalogfacts.read(bare_db)
    strangers = everything.keys() - before.keys()
    assert {kind for kind, _ in strangers} == {"catalog", "database"}
    bare_db.execute(
        "SELECT pggit.init(); CREATE TABLE t (a pggit.command);"
        " CREATE FUNCTION f(pggit.command) RETURNS text LANGUAGE sql AS 'SELECT 1::text'"
    )
    same = catalogdiff.compare(before, catalogfacts.read(bare_db, schema="pggit", rows=False))
    assert {x.attribute for x in same} == {"rows", "state"}
    bare_db.execute("CREATE TRIGGER mine BEFORE INSERT ON pggit.tags EXECUTE FUNCTION pggit.refuse_change()")
    assert ("trigger", "mine on pggit.tags") in catalogfacts.read(bare_db, schema="pggit")


def test_every_tree_and_number_that_a_catalog_holds_is_told_otherwise(bare_db: Connection) -> None:
    hidden = {
        row[0]
        for row in bare_db.execute(
            "SELECT DISTINCT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
            " WHERE atttypid IN ('pg_node_tree'::regtype, 'int2vector'::regtype) AND relkind = 'r'"
            " AND relnamespace = 'pg_catalog'::regnamespace"
        )
    }
    # The default of a domain is kept as text as well.
    assert {name for name in hidden if name in catalogmap.READ and not catalogmap.READ[name].told} == set()
    assert hidden - catalogmap.READ.keys() - catalogmap.LEFT_OUT.keys() == set()


def test_a_catalog_that_nobody_thought_of_is_an_error(bare_db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogfacts, "LEFT_OUT", {k: v for k, v in catalogmap.LEFT_OUT.items() if k != "pg_enum"})
    with pytest.raises(PggitError, match=r"does not say how to read pg_enum$"):
        catalogfacts.read(bare_db)


@pytest.mark.parametrize(
    ("statement", "scripts", "leaked"),
    [
        ("SET LOCAL search_path TO pg_catalog, pg_temp", "", ["search_path"]),
        ("SET work_mem = '1MB'", "", ["work_mem"]),
        ("SELECT set_config('pggit.mute', 'on', true)", "SELECT set_config( 'pggit.mute', 'on', true)", ["pggit.mute"]),
        ("SET LOCAL pggit.mute TO on", "SET LOCAL pggit.mute TO on", ["pggit.mute"]),
        (
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT set_config('mine.own', 'x', true)$$; SELECT f()",
            "",
            ["mine.own"],
        ),
        ("DO $$BEGIN PERFORM set_config('work_mem', '2MB', true); END$$ ", "", ["work_mem"]),
        ("CREATE TABLE t ()", "SET LOCAL pggit.mute TO on", []),
    ],
)
def test_settings_that_a_script_leaves_behind(
    bare_db: Connection, statement: str, scripts: str, leaked: list[str]
) -> None:
    assert [x.identity for x in catalogfacts.leaks(bare_db, statement, [scripts])] == leaked
    assert catalogfacts.leaks(bare_db, "SELECT 1") == []


def test_todays_scripts_leave_no_settings_behind(bare_db: Connection) -> None:
    scripts = [data.decode() for data in sqlscript.contents().values()]
    bare_db.execute("CREATE EXTENSION pggit")
    ways = bare_db.execute(
        "SELECT target FROM pg_extension_update_paths('pggit') WHERE source = %s AND path IS NOT NULL",
        [sqlscript.version()],
    ).fetchall()
    for (target,) in ways:
        there = sql.SQL("ALTER EXTENSION pggit UPDATE TO {}").format(sql.Literal(target)).as_string(bare_db)
        assert catalogfacts.leaks(bare_db, there, scripts) == []
        bare_db.execute(there)
        back = sql.SQL("ALTER EXTENSION pggit UPDATE TO {}").format(sql.Literal(sqlscript.version()))
        assert catalogfacts.leaks(bare_db, back.as_string(bare_db), scripts) == []
        bare_db.execute(back)


def test_a_difference_is_one_readable_line() -> None:
    assert str(Difference("table", "public.t", "relacl", None, "x")) == "table public.t: relacl: none -> 'x'"
    assert str(Difference("table", "public.t", catalogdiff.EXISTS, "yes", None)) == "table public.t: only in a"
    long = str(Difference("function", "f()", "prosrc", "a" * 500 + "b\n" + "c" * 500, "a" * 500 + "d\n"))
    assert "ab\\ncc" in long
    assert "ad\\n" in long
    assert len(long) < 250
