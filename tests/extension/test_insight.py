"""What happened to an object, who made which part of it, and what hangs on it."""

from typing import Any

import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused


def rows(db: Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return db.execute(query, values or None).fetchall()


def test_the_history_of_an_object_follows_its_names(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (id integer)")
    first = one(db, "SELECT pggit.commit('made')")
    db.execute("ALTER TABLE t RENAME TO u; CREATE SCHEMA s; ALTER TABLE u SET SCHEMA s")
    db.execute("ALTER TABLE s.u ADD COLUMN skipped text; ALTER TABLE s.u DROP COLUMN skipped")
    second = one(db, "SELECT pggit.commit('moved')")
    db.execute("GRANT SELECT ON s.u TO PUBLIC; COMMENT ON TABLE s.u IS 'x'; DROP TABLE s.u")
    expected = [
        ("CREATE", "public.t", None, first), ("RENAME", "public.u", "public.t", None),
        ("RENAME", "s.u", "public.u", None),
        ("ALTER", "s.u", None, None), ("ALTER", "s.u", None, second), ("GRANT", "s.u", None, None),
        ("COMMENT", "s.u", None, None), ("DROP", "s.u", None, None),
    ]  # fmt: skip
    for name in ("s.u", "public.t", "u"):
        assert rows(db, "SELECT change, name, old_name, commit FROM pggit.get_history(%s)", name) == expected
    third = one(db, "SELECT pggit.commit('dropped')")
    assert one(db, "SELECT commit FROM pggit.get_history('s.u') ORDER BY history_id DESC LIMIT 1") == third
    assert refused(db, "SELECT * FROM pggit.get_history('nothing')") == "GT015"


def test_the_version_of_an_object(db: Connection, connect: Connect) -> None:
    db.execute("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE ROLE boss; GRANT boss TO CURRENT_USER")
    try:
        connect("dora").execute("CREATE TABLE t (id integer)")
        commit = one(db, "SELECT pggit.commit('made')")
        query = """
            SELECT name, is_there, version, created_by, changed_by, last_change, commit, is_committed
            FROM pggit.get_version('t')"""
        assert rows(db, query) == [("public.t", True, 1, "dora", "dora", "CREATE", commit, True)]
        db.execute("ALTER TABLE t ADD COLUMN x text")
        assert rows(db, query) == [("public.t", True, 2, "dora", "postgres", "ALTER", None, False)]
        db.execute("DROP TABLE t")
        assert rows(db, query)[0][:3] == ("public.t", False, 2)
    finally:
        db.execute("DROP ROLE boss")


def test_blame_names_who_made_each_part(db: Connection, connect: Connect) -> None:
    db.execute("GRANT ALL ON SCHEMA public TO PUBLIC")
    dora, emil = connect("dora"), connect("emil")
    dora.execute("CREATE TABLE t (id integer UNIQUE, a text, b text)")
    made = one(db, "SELECT pggit.commit('made')")
    db.execute("ALTER TABLE t OWNER TO emil")
    emil.execute("ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME b TO c")
    emil.execute("ALTER TABLE u ADD CHECK (c <> ''); ALTER TABLE u ADD fleeting integer; ALTER TABLE u DROP fleeting")
    found = {
        part: rest for part, *rest in rows(db, "SELECT part, changed_by, command_tag, commit FROM pggit.blame('u')")
    }
    assert found == {
        "column id": ["dora", "CREATE TABLE", made],
        "column a": ["emil", "ALTER TABLE", None],
        "column c": ["emil", "ALTER TABLE", None],
        "constraint t_id_key": ["dora", "CREATE TABLE", made],
        "constraint u_c_check": ["emil", "ALTER TABLE", None],
        "owner": ["postgres", "ALTER TABLE", None],
    }
    for table in ("DROP TABLE u",):
        emil.execute(table)
    assert {part for (part,) in rows(db, "SELECT part FROM pggit.blame('u')")} == set(found)
    dora.execute("CREATE TABLE u (id integer)")
    assert rows(db, "SELECT part, changed_by FROM pggit.blame('u')") == [("column id", "dora"), ("owner", "dora")]


def test_blame_knows_attributes_and_labels(db: Connection) -> None:
    db.execute("CREATE TYPE pair AS (a integer, b text); CREATE TYPE mood AS ENUM ('x'); ALTER TYPE mood ADD VALUE 'y'")
    db.execute("ALTER TYPE pair ADD ATTRIBUTE c integer")
    found = dict(rows(db, "SELECT part, command_tag FROM pggit.blame('pair')"))
    assert found["attribute a"] == "CREATE TYPE"
    assert found["attribute c"] == "ALTER TYPE"
    assert one(db, "SELECT command_tag FROM pggit.blame('mood') WHERE part = 'labels'") == "ALTER TYPE"


SHOP = """
    CREATE TABLE customer (id integer PRIMARY KEY, name text, born date);
    CREATE TABLE invoice (id integer, customer integer REFERENCES customer);
    CREATE VIEW names AS SELECT name FROM customer;
    CREATE VIEW loud AS SELECT upper(name) AS n FROM names;
    CREATE INDEX by_name ON customer (name);
    CREATE FUNCTION uses(customer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION body() RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM FROM customer; RETURN 1; END';
    CREATE FUNCTION other() RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM FROM customers; RETURN 1; END';
    CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER trg BEFORE INSERT ON customer FOR EACH ROW WHEN (new.name <> '') EXECUTE FUNCTION t();
    CREATE POLICY adults ON customer USING (born < '2000-01-01');
    CREATE TABLE special () INHERITS (customer);
    CREATE SEQUENCE s OWNED BY customer.id;
    CREATE TABLE list (members customer[]);
"""


def test_impact_reaches_all_that_leans_on_an_object(db: Connection) -> None:
    db.execute(SHOP)
    query = "SELECT depth, found_type, name, dependency, depends_on, on_columns FROM pggit.get_impact_analysis(%s)"
    found = {(d, t, n, k, o, tuple(c or ())) for d, t, n, k, o, c in rows(db, query, "customer")}
    on = "public.customer"
    for expected in (
        (1, "TABLE", "public.invoice", "foreign key invoice_customer_fkey", on, ("id",)),
        (1, "VIEW", "public.names", "query", on, ("name",)),
        (2, "VIEW", "public.loud", "query", "public.names", ("name",)),
        (1, "INDEX", "public.by_name", "index", on, ("name",)),
        (1, "FUNCTION", "public.uses(public.customer)", "function", on, ()),
        (1, "FUNCTION", "public.body()", "named in the body", on, ()),
        (1, "TRIGGER", "trg on public.customer", "trigger", on, ("name",)),
        (1, "POLICY", "adults on public.customer", "policy", on, ("born",)),
        (1, "TABLE", "public.special", "child table", on, ()),
        (1, "SEQUENCE", "public.s", "sequence", on, ("id",)),
        (1, "TABLE", "public.list", "column or table", on, ()),
    ):
        assert expected in found, found
    assert not any(name == "public.other()" for _, _, name, *_ in found)
    assert rows(db, query, "loud") == []
    assert {row[2] for row in rows(db, query, "t()")} == {"trg on public.customer"}
    db.execute("DROP VIEW loud")
    assert rows(db, query, "loud") == []


def test_dropping_with_cascade_takes_nothing_that_impact_does_not_name(db: Connection) -> None:
    db.execute(SHOP)
    named = {(row[0], row[1]) for row in rows(db, "SELECT found_type, name FROM pggit.get_impact_analysis('customer')")}
    before = one(db, "SELECT max(id) FROM pggit.history")
    db.execute("DROP TABLE customer CASCADE")
    hit = set(rows(db, "SELECT object_type, identity FROM pggit.history WHERE id > %s", before))
    assert hit - {("TABLE", "public.customer")} <= named


@pytest.mark.parametrize("call", ["get_history", "get_version", "blame", "get_impact_analysis"])
def test_wrong_names(db: Connection, call: str) -> None:
    db.execute("CREATE FUNCTION f() RETURNS integer RETURN 1; CREATE FUNCTION f(integer) RETURNS integer RETURN 1")
    assert refused(db, f"SELECT * FROM pggit.{call}('nothing')") == "GT015"
    assert refused(db, f"SELECT * FROM pggit.{call}('f')") == "GT016"
    assert refused(db, f"SELECT * FROM pggit.{call}(NULL)") == "GT015"
