"""No row is lost silently: what a change of the schema would drop is refused or parked, and comes back."""

import psycopg
import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences


def raised(db: Connection, query: str, *values: object) -> psycopg.DatabaseError:
    with pytest.raises(psycopg.DatabaseError) as error:
        db.execute(query, values or None)
    return error.value


def state(db: Connection) -> object:
    return db.execute("""
        SELECT pggit.live_tree(), pggit.resolve_ref('HEAD'), pggit.head_name(),
            (SELECT count(*) FROM pggit.attic), (SELECT max(id) FROM pggit.history)""").fetchone()


def split(db: Connection, base: str, change: str) -> None:
    """Branch before with the base; main, which is current, has the change, too."""
    if base:
        db.execute(base.encode())
        db.execute("SELECT pggit.commit('before')")
    db.execute("SELECT pggit.create_branch('before')")
    db.execute(change.encode())
    db.execute("SELECT pggit.commit('after')")


def parked(db: Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT object, column_names, row_count FROM pggit.list_attic()").fetchall()


def bring_back(db: Connection) -> None:
    for (number,) in db.execute("SELECT id FROM pggit.list_attic()").fetchall():
        (row,) = db.execute("SELECT action, object_type FROM pggit.restore_from_attic(%s)", [number]).fetchall()
        assert row == ("restore", "TABLE")


# Refused -------------------------------------------------------------------------------------------


def test_all_that_is_at_stake_is_named_and_nothing_changed(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE kept (a integer)",
        'CREATE SCHEMA "S"; CREATE TABLE "S"."T" (a integer); CREATE TABLE empty (a integer);'
        'ALTER TABLE kept ADD b text, ADD "C c" text, ADD nulls text',
    )
    db.execute('INSERT INTO "S"."T" SELECT g FROM generate_series(1, 7) g')
    db.execute("""INSERT INTO kept (a, b, "C c") VALUES (1, 'x', 'y'), (2, 'x', NULL), (3, NULL, NULL)""")
    before = state(db)
    for call in (
        "checkout('before')",
        "checkout('before', NULL)",
        "apply_tree(pggit.tree_of('before'), NULL)",
        "reset('before')",
        "revert('main')",
    ):
        error = raised(db, f"SELECT * FROM pggit.{call}")
        assert error.sqlstate == "GT037", call
        stakes = (error.diag.message_primary or "").removeprefix("this would drop data: ").split(", ")
        assert set(stakes) == {
            'table "S"."T" (7 rows)',
            "column public.kept.b (2 values)",
            'column public.kept."C c" (1 values)',
        }
        assert "force => true" in (error.diag.message_hint or "")
        assert state(db) == before, call
    assert differences(db) == []


def test_a_restore_and_a_merge_refuse_as_well(db: Connection) -> None:
    db.execute("CREATE TABLE base (a integer); SELECT pggit.commit('base'); SELECT pggit.create_branch('other')")
    db.execute("SELECT pggit.create_restore_point('early'); SELECT * FROM pggit.checkout('other')")
    db.execute("DROP TABLE base; SELECT pggit.commit('gone'); SELECT * FROM pggit.checkout('main')")
    db.execute("CREATE TABLE mine (a integer); SELECT pggit.commit('mine')")
    db.execute("INSERT INTO base VALUES (1), (2); INSERT INTO mine VALUES (3)")
    before = state(db)
    assert "table public.base (2 rows)" in str(raised(db, "SELECT * FROM pggit.merge('other')"))
    assert "table public.mine (1 rows)" in str(raised(db, "SELECT * FROM pggit.restore_to_point('early')"))
    assert state(db) == before
    db.execute("SELECT * FROM pggit.merge('other', force => true)")
    assert parked(db) == [("public.base", None, 2)]
    db.execute("SELECT * FROM pggit.restore_to_point('early', force => true)")
    assert parked(db) == [("public.base", None, 2), ("public.mine", None, 1)]
    assert one(db, "SELECT count(*) FROM base") == 0


def test_rows_that_row_security_hides_count(db: Connection, connect: Connect) -> None:
    """An owner whose own policy hides all rows must not lose them by that."""
    alice = connect("alice")
    db.execute("SELECT pggit.grant_access('alice', 'admin'); CREATE SCHEMA hers AUTHORIZATION alice")
    db.execute("SELECT pggit.commit('hers'); SELECT pggit.create_branch('before')")
    alice.execute("CREATE TABLE hers.t (a integer); INSERT INTO hers.t VALUES (1)")
    alice.execute("ALTER TABLE hers.t ENABLE ROW LEVEL SECURITY; ALTER TABLE hers.t FORCE ROW LEVEL SECURITY")
    alice.execute("SELECT pggit.commit('t')")
    assert one(alice, "SELECT count(*) FROM hers.t") == 0
    before = state(db)
    for force in ("false", "true"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            alice.execute(f"SELECT * FROM pggit.checkout('before', force => {force})")
    assert state(db) == before
    assert "table hers.t (1 rows)" in str(raised(db, "SELECT * FROM pggit.checkout('before')"))


# Parked, and back ----------------------------------------------------------------------------------


def test_a_table_is_parked_and_comes_back(db: Connection) -> None:
    split(
        db,
        "",
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text,"
        " g text GENERATED ALWAYS AS (b || '!') STORED)",
    )
    db.execute("INSERT INTO t (b) VALUES ('x'), (NULL), ('it''s')")
    rows = db.execute("SELECT * FROM t ORDER BY a").fetchall()
    result = db.execute("SELECT * FROM pggit.checkout('before', force => true)").fetchall()
    ((action, object_type, name, detail),) = [row for row in result if row[0] == "park"]
    number, where = db.execute("SELECT id, parked_as FROM pggit.list_attic()").fetchone() or (0, "")
    assert (action, object_type, name) == ("park", "TABLE", "public.t")
    assert detail == f"3 rows in {where}; pggit.restore_from_attic({number}) brings them back"
    assert one(db, "SELECT to_regclass('public.t') IS NULL")
    assert parked(db) == [("public.t", None, 3)]
    assert one(db, f"SELECT count(*) FROM {where}") == 3
    db.execute("SELECT * FROM pggit.checkout('main')")
    assert one(db, "SELECT count(*) FROM t") == 0
    bring_back(db)
    assert db.execute("SELECT * FROM t ORDER BY a").fetchall() == rows
    assert parked(db) == []
    assert one(db, "SELECT to_regclass(%s) IS NULL", where)
    # once is enough
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(%s)", number) == "GT041"
    assert differences(db) == []


@pytest.mark.parametrize("key", ["PRIMARY KEY", "", "NOT NULL, k text DEFAULT 'k', PRIMARY KEY (a, k)"])
def test_the_values_of_a_column_find_their_rows(db: Connection, key: str) -> None:
    split(db, f"CREATE TABLE t (a integer {key}, n text)", "ALTER TABLE t ADD b text")
    db.execute("INSERT INTO t (a, n, b) VALUES (1, 'one', 'x'), (2, 'two', NULL), (3, 'three', 'it''s')")
    rows = db.execute("SELECT a, n, b FROM t ORDER BY a").fetchall()
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert parked(db) == [("public.t", ["b"], 3)]
    db.execute("SELECT * FROM pggit.checkout('main'); SELECT count(*) FROM t WHERE b IS NOT NULL")
    bring_back(db)
    assert db.execute("SELECT a, n, b FROM t ORDER BY a").fetchall() == rows


def test_without_a_key_a_row_with_nulls_finds_its_value(db: Connection) -> None:
    split(db, "CREATE TABLE t (a integer, n text)", "ALTER TABLE t ADD b text")
    db.execute("INSERT INTO t VALUES (1, NULL, 'x'), (NULL, 'two', 'y'), (NULL, NULL, 'z')")
    rows = db.execute("SELECT * FROM t ORDER BY b").fetchall()
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert db.execute("SELECT * FROM t ORDER BY b").fetchall() == rows


def test_without_a_key_columns_that_cannot_be_compared_are_no_obstacle(db: Connection) -> None:
    split(db, "CREATE TABLE t (a integer, j json, p point)", "ALTER TABLE t ADD b text")
    db.execute("INSERT INTO t VALUES (1, '{}', '(1,2)', 'x'), (2, '[]', '(1,2)', 'y')")
    rows = db.execute("SELECT a, b FROM t ORDER BY a").fetchall()
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert db.execute("SELECT a, b FROM t ORDER BY a").fetchall() == rows


def test_rows_that_are_the_same_without_a_key(db: Connection) -> None:
    """Nobody can tell which value belongs to which: each comes back once."""
    split(db, "CREATE TABLE t (a integer)", "ALTER TABLE t ADD b text")
    db.execute("INSERT INTO t VALUES (1, 'x'), (1, 'y'), (2, 'z')")
    rows = db.execute("SELECT * FROM t ORDER BY b").fetchall()
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert db.execute("SELECT * FROM t ORDER BY b").fetchall() == rows


def test_rows_that_changed_meanwhile(db: Connection) -> None:
    split(db, "CREATE TABLE t (a integer PRIMARY KEY)", "ALTER TABLE t ADD b text")
    db.execute("INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    db.execute("DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (3); SELECT * FROM pggit.checkout('main')")
    where = one(db, "SELECT parked_as FROM pggit.list_attic()")
    # a value whose row is gone stays where it is
    error = raised(db, "SELECT * FROM pggit.restore_from_attic((SELECT id FROM pggit.list_attic()))")
    assert error.sqlstate is not None
    assert where in str(error)
    assert one(db, f"SELECT count(*) FROM {where}") == 2


def test_types_of_the_users_are_parked_as_text(db: Connection) -> None:
    split(
        db,
        "",
        "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('x', 'it''s'); CREATE DOMAIN s.d AS integer CHECK (VALUE > 0);"
        "CREATE TYPE s.c AS (i integer, t text); CREATE TYPE s.r AS RANGE (SUBTYPE = float8);"
        "CREATE TABLE s.t (id integer, e s.e, es s.e[], d s.d, c s.c, cs s.c[], r s.r, at timestamptz, raw bytea,"
        " f float8, j jsonb, n numeric(9, 3), ch char(5), v varbit(9), i interval)",
    )
    db.execute("""INSERT INTO s.t VALUES
        (1, 'x', '{x,it''s,NULL}', 5, '(1,"a,b")', '{"(1,x)",NULL}', '[1.5,2)', '2026-02-01 12:00:00.123456+05',
         '\\x00ff', 0.1, '{"a": [1, null]}', 1.5, 'ab', B'101', '1 year 2 days 3 seconds'),
        (2, NULL, '{}', NULL, '(,)', NULL, 'empty', '-infinity', '', 'NaN', 'null', NULL, '', B'', '-1 day'),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '-0', NULL, NULL, NULL, NULL, NULL)""")
    query = "SELECT id, t::text, c IS NULL, e, cs[2] IS NULL FROM s.t ORDER BY id"
    rows = db.execute(query).fetchall()
    db.execute("SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 0")
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert one(db, "SELECT to_regtype('s.e') IS NULL")
    where = one(db, "SELECT parked_as FROM pggit.list_attic()")
    assert db.execute(f"SELECT e, es, d FROM {where} WHERE id = 1").fetchall() == [("x", "{x,it's,NULL}", "5")]
    db.execute("SET DateStyle = 'SQL, MDY'; SET IntervalStyle = 'postgres'; SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    db.execute("RESET ALL")
    assert db.execute(query).fetchall() == rows


def test_partitions_and_children_keep_their_own_rows(db: Connection) -> None:
    split(
        db,
        "",
        "CREATE TABLE p (a integer, b text) PARTITION BY RANGE (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p DEFAULT PARTITION BY LIST (b); CREATE TABLE p2x PARTITION OF p2 DEFAULT;"
        "CREATE TABLE i (a integer); CREATE TABLE i1 (c text) INHERITS (i)",
    )  # fmt: skip
    db.execute(
        "INSERT INTO p VALUES (1, 'x'), (2, 'x'), (50, 'y'); INSERT INTO i VALUES (1); INSERT INTO i1 VALUES (2, 'z')"
    )
    rows = [db.execute(f"SELECT tableoid::regclass::text, * FROM {t} ORDER BY a").fetchall() for t in ("p", "i")]
    error = raised(db, "SELECT * FROM pggit.checkout('before')")
    assert set((error.diag.message_primary or "").removeprefix("this would drop data: ").split(", ")) == {
        "table public.p1 (2 rows)", "table public.p2x (1 rows)", "table public.i (1 rows)", "table public.i1 (1 rows)",
    }  # fmt: skip
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert sorted(parked(db)) == [
        ("public.i", None, 1), ("public.i1", None, 1), ("public.p1", None, 2), ("public.p2x", None, 1)
    ]  # fmt: skip
    db.execute("SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert [
        db.execute(f"SELECT tableoid::regclass::text, * FROM {t} ORDER BY a").fetchall() for t in ("p", "i")
    ] == rows


def test_a_column_of_a_partitioned_table(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE p (a integer PRIMARY KEY) PARTITION BY RANGE (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p DEFAULT",
        "ALTER TABLE p ADD b text",
    )  # fmt: skip
    db.execute("INSERT INTO p VALUES (1, 'x'), (2, NULL), (50, 'y')")
    rows = db.execute("SELECT * FROM p ORDER BY a").fetchall()
    assert "column public.p.b (2 values)" in str(raised(db, "SELECT * FROM pggit.checkout('before')"))
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert db.execute("SELECT * FROM p ORDER BY a").fetchall() == rows


def test_data_under_a_former_name(db: Connection) -> None:
    """Where the way to another schema renames a table, too, what is parked is still found."""
    split(db, "CREATE TABLE t (a integer PRIMARY KEY)", "ALTER TABLE t RENAME TO u; ALTER TABLE u ADD b text")
    db.execute("INSERT INTO u VALUES (1, 'x')")
    assert "column public.u.b (1 values)" in str(raised(db, "SELECT * FROM pggit.checkout('before')"))
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert db.execute("SELECT * FROM t").fetchall() == [(1,)]
    assert parked(db) == [("public.u", ["b"], 1)]
    db.execute("SELECT * FROM pggit.checkout('main')")
    bring_back(db)
    assert db.execute("SELECT * FROM u").fetchall() == [(1, "x")]


def test_odd_names_and_the_same_name_twice(db: Connection) -> None:
    long = "ä" * 31 + "b"
    for name in ("a.b", 'C"d', "it's; --", long, "{x}"):
        quoted = '"' + name.replace('"', '""') + '"'
        db.execute("SELECT * FROM pggit.checkout('main')")
        for _ in range(2):
            db.execute(f"CREATE TABLE {quoted} ({quoted} integer); INSERT INTO {quoted} VALUES (1)".encode())
            db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    assert [row[2] for row in parked(db)] == [1] * 10
    where = {one(db, "SELECT parked_as FROM pggit.attic WHERE id = %s", number) for number in range(1, 11)}
    assert len(where) == 10
    for table in where:
        assert one(db, f"SELECT count(*) FROM {table}") == 1
    db.execute(f'CREATE TABLE "{long}" ("{long}" integer)')
    numbers = [n for (n,) in db.execute("SELECT id FROM pggit.list_attic() WHERE object = %s", [f'public."{long}"'])]
    for number in numbers:
        db.execute("SELECT * FROM pggit.restore_from_attic(%s)", [number])
    assert one(db, f'SELECT count(*) FROM "{long}"') == 2


# What cannot be brought back -----------------------------------------------------------------------


def test_there_is_nothing_with_that_number(db: Connection) -> None:
    for number in ("0", "-1", "99", "NULL", "9223372036854775807"):
        error = raised(db, f"SELECT * FROM pggit.restore_from_attic({number})")
        assert error.sqlstate == "GT041"
        assert "list_attic" in (error.diag.message_hint or "")


def test_where_its_place_is_missing_the_data_stays(db: Connection) -> None:
    db.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    number, where = db.execute("SELECT id, parked_as FROM pggit.list_attic()").fetchone() or (0, "")
    for make, missing in (("SELECT 1", "the table is missing"), ("CREATE TABLE t (other text)", "column a is missing")):
        db.execute(make.encode())
        error = raised(db, "SELECT * FROM pggit.restore_from_attic(%s)", number)
        assert error.sqlstate == "GT042"
        assert missing in str(error)
        assert where in (error.diag.message_hint or "")
    # of another type: PostgreSQL says what it thinks of that
    db.execute("DROP TABLE t; CREATE TABLE t (a date)")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(%s)", number) == "42846"
    assert one(db, f"SELECT count(*) FROM {where}") == 1
    db.execute("DROP TABLE t; CREATE TABLE t (a bigint UNIQUE); INSERT INTO t VALUES (1)")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(%s)", number) == "23505"
    assert parked(db) == [("public.t", None, 1)]


def test_somebody_who_dropped_the_parked_table(db: Connection) -> None:
    db.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    number, where = db.execute("SELECT id, parked_as FROM pggit.list_attic()").fetchone() or (0, "")
    db.execute(f"DROP TABLE {where}; CREATE TABLE t (a integer)")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(%s)", number) == "42P01"


def test_the_attic_is_no_part_of_the_schema(db: Connection) -> None:
    tree = one(db, "SELECT pggit.live_tree()")
    db.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    assert one(db, "SELECT pggit.live_tree()") == tree
    assert db.execute("SELECT * FROM pggit.status()").fetchall() == []
    assert one(db, "SELECT count(*) FROM pggit.objects WHERE schema_name = 'pggit_attic'") == 0
    # what is rolled back was not parked
    db.execute("CREATE TABLE u (a integer); INSERT INTO u VALUES (1)")
    with db.transaction(force_rollback=True):
        db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
        assert len(parked(db)) == 2
    assert len(parked(db)) == 1
    assert one(db, "SELECT count(*) FROM u") == 1


# Whose it is ---------------------------------------------------------------------------------------


def test_parked_data_is_its_owners_alone(db: Connection, connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    for role in ("alice", "bob"):
        db.execute(f"SELECT pggit.grant_access('{role}', 'admin')")
    db.execute("CREATE SCHEMA hers AUTHORIZATION alice; GRANT USAGE ON SCHEMA hers TO bob; SELECT pggit.commit('hers')")
    alice.execute("CREATE TABLE hers.t (a integer); INSERT INTO hers.t VALUES (1); GRANT SELECT ON hers.t TO bob")
    assert refused(bob, "SELECT pggit.park('hers.t', NULL)") == "GT040"
    assert refused(bob, "SELECT pggit.park('hers.t', 'a')") == "GT040"
    alice.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    number, where, by = alice.execute("SELECT id, parked_as, parked_by FROM pggit.list_attic()").fetchone() or (
        0,
        "",
        "",
    )
    assert by == "alice"
    assert one(alice, f"SELECT a FROM {where}") == 1
    # even with a way into the schema, and although the table's rows were his to read
    db.execute("GRANT USAGE ON SCHEMA pggit_attic TO bob")
    for query in (f"SELECT * FROM {where}", f"DROP TABLE {where}", f"DELETE FROM {where}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bob.execute(query.encode())
    assert refused(bob, f"SELECT pggit.clear_attic({number})") == "GT040"
    bob.execute("CREATE TEMP TABLE t (a integer)")
    assert refused(bob, f"SELECT * FROM pggit.restore_from_attic({number})") == "GT042"
    alice.execute("CREATE TABLE hers.t (a integer); GRANT ALL ON hers.t TO bob")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bob.execute(f"SELECT * FROM pggit.restore_from_attic({number})".encode())
    alice.execute("SELECT * FROM pggit.restore_from_attic(%s)", [number])
    assert one(alice, "SELECT a FROM hers.t") == 1


def test_a_superuser_parks_for_the_owner(db: Connection, connect: Connect) -> None:
    alice = connect("alice")
    db.execute("SELECT pggit.grant_access('alice', 'reader'); CREATE SCHEMA hers AUTHORIZATION alice")
    db.execute("SELECT pggit.commit('hers')")
    alice.execute("CREATE TABLE hers.t (a integer); INSERT INTO hers.t VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    where = one(alice, "SELECT parked_as FROM pggit.list_attic()")
    assert one(alice, f"SELECT a FROM {where}") == 1
    assert one(db, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass", where) == "alice"


def test_nothing_is_parked_in_a_plain_roles_schema(db: Connection, connect: Connect) -> None:
    """As its owner that role could drop what is parked there."""
    mallory = connect("mallory")
    db.execute(f"GRANT CREATE ON DATABASE {db.info.dbname} TO mallory")
    split(db, "", "CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
    mallory.execute("CREATE SCHEMA pggit_attic")
    before = state(db)
    error = raised(db, "SELECT * FROM pggit.checkout('before', force => true)")
    assert error.sqlstate == "GT051"
    assert "ALTER SCHEMA pggit_attic OWNER TO" in str(error.diag.message_hint)
    assert (state(db), one(db, "SELECT count(*) FROM t")) == (before, 1)
    db.execute("ALTER SCHEMA pggit_attic OWNER TO CURRENT_USER")
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert parked(db) == [("public.t", None, 1)]


def test_default_privileges_give_nobody_parked_data(db: Connection, connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    db.execute(
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO bob; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO bob"
    )
    db.execute("CREATE SCHEMA hers AUTHORIZATION alice; SELECT pggit.commit('hers')")
    alice.execute("CREATE TABLE hers.t (a integer); INSERT INTO hers.t VALUES (1)")
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    where = one(db, "SELECT parked_as FROM pggit.list_attic()")
    assert one(alice, f"SELECT a FROM {where}") == 1
    # even with a way into the schema
    rights = "SELECT has_schema_privilege('bob', 'pggit_attic', r) FROM unnest('{USAGE,CREATE}'::text[]) r"
    assert db.execute(rights).fetchall() == [(False,), (False,)]
    db.execute("GRANT USAGE ON SCHEMA pggit_attic TO bob")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bob.execute(f"SELECT * FROM {where}".encode())


def test_what_can_be_parked(db: Connection) -> None:
    db.execute("CREATE VIEW v AS SELECT 1 AS a; CREATE SEQUENCE s")
    for name in ("nowhere", "v", "s", "pg_catalog.pg_nowhere", "no.where"):
        assert refused(db, f"SELECT pggit.park('{name}', NULL)") == "GT039", name


# Values that another type would change -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_before", "type_after", "values", "changed"),
    [
        ("numeric(5,1)", "numeric", "1.5, 2.25, NULL", 1),
        ("integer", "double precision", "1, 2.4", 1),
        ("real", "double precision", "0.5, 0.1", 1),
        ("date", "timestamp", "'2026-01-01', '2026-01-01 10:00'", 1),
        ("jsonb", "json", """'{"a": 1}', '{"a": 1,"a": 2}'""", 1),
        ("boolean", "text", "'true', 'yes'", 1),
        ("public.tenths", "numeric", "1.5, 2.25", 1),
    ],
)
def test_values_that_a_type_would_round_are_at_stake(
    db: Connection, type_before: str, type_after: str, values: str, changed: int
) -> None:
    domain = type_before == "public.tenths"
    split(
        db,
        f"CREATE TABLE t (id serial PRIMARY KEY, a {'numeric' if domain else type_before})",
        # On the way back the domain is not there yet, so that nobody can tell what it rounds.
        f"ALTER TABLE t ALTER a TYPE {type_after} USING NULL" if not domain else "CREATE TABLE other ()",
    )
    if domain:
        db.execute("SELECT * FROM pggit.checkout('before')")
        db.execute(
            "CREATE DOMAIN tenths AS numeric(5,1); ALTER TABLE t ALTER a TYPE tenths; SELECT pggit.commit('tenths')"
        )
        db.execute("SELECT * FROM pggit.checkout('main')")
    rows = "".join(f"INSERT INTO t (a) VALUES ({value});" for value in values.split(", "))
    db.execute(rows.encode())
    before = state(db)
    error = raised(db, "SELECT * FROM pggit.checkout('before')")
    assert error.sqlstate == "GT037"
    assert (error.diag.message_primary or "").endswith(
        f"column public.t.a (as {type_before} {changed} values would change)"
    )
    assert state(db) == before
    kept = [row[0] for row in db.execute("SELECT a::text FROM t ORDER BY id")]
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    ((parked_as,),) = db.execute("SELECT parked_as FROM pggit.list_attic()").fetchall()
    assert [row[0] for row in db.execute(f"SELECT a::text FROM {parked_as} ORDER BY id".encode())] == kept
    assert differences(db) == []


def test_values_that_survive_another_type_are_not_at_stake(db: Connection) -> None:
    split(
        db,
        "CREATE TABLE t (a numeric(8,2), b integer, c varchar(9), d date, e smallint)",
        "ALTER TABLE t ALTER a TYPE numeric, ALTER b TYPE bigint, ALTER c TYPE text, ALTER d TYPE timestamp,"
        "ALTER e TYPE text",
    )
    db.execute("INSERT INTO t VALUES (1.5, 7, 'nine', '2026-01-01', '3'), (NULL, NULL, NULL, NULL, NULL)")
    for ref in ("before", "main"):
        db.execute("SELECT * FROM pggit.checkout(%s)", [ref])
    assert db.execute("SELECT * FROM t WHERE b = 7").fetchone() is not None
    assert parked(db) == []


def test_an_attribute_of_a_type_does_not_take_values_along(db: Connection) -> None:
    """PostgreSQL's DROP ATTRIBUTE would."""
    split(
        db,
        "CREATE TYPE c AS (x integer); CREATE TYPE o AS (c c);CREATE TABLE t (id integer PRIMARY KEY, a c, b c[], d o)",
        'ALTER TYPE c ADD ATTRIBUTE "y y" text',
    )
    db.execute("INSERT INTO t VALUES (1, ROW(1, 'one')::c, NULL, NULL), (2, ROW(2, NULL)::c, NULL, NULL)")
    db.execute("INSERT INTO t VALUES (3, NULL, ARRAY[ROW(1, NULL)::c], ROW(ROW(1, NULL)::c)::o)")
    before = state(db)
    error = raised(db, "SELECT * FROM pggit.checkout('before')")
    assert error.sqlstate == "GT037"
    for stake in ("t.a (1 values", "t.b (1 values", "t.d (1 values"):
        assert f'public.{stake} with attribute "y y")' in (error.diag.message_primary or "")
    assert state(db) == before
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    assert one(db, 'SELECT (a)."y y" FROM t WHERE id = 1') is None
    bring_back(db)
    assert one(db, 'SELECT (a)."y y" FROM t WHERE id = 1') == "one"
    # with nothing there it goes by itself
    db.execute("""UPDATE t SET a = ROW((a).x, NULL)::c, b = NULL, d = NULL""")
    db.execute("SELECT * FROM pggit.checkout('before')")
    assert one(db, "SELECT (a).x FROM t WHERE id = 2") == 2
    assert differences(db) == []


def test_the_rows_of_an_extensions_tables_are_at_stake(db: Connection) -> None:
    split(
        db,
        "CREATE SCHEMA e",
        "CREATE EXTENSION hstore SCHEMA e; CREATE TABLE e.places (id integer);"
        "ALTER EXTENSION hstore ADD TABLE e.places",
    )
    db.execute("INSERT INTO e.places VALUES (1), (2)")
    before = state(db)
    error = raised(db, "SELECT * FROM pggit.checkout('before')")
    assert error.sqlstate == "GT037"
    assert "table e.places of extension hstore (2 rows)" in (error.diag.message_primary or "")
    assert state(db) == before
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert parked(db) == [("e.places", None, 2)]
    assert one(db, "SELECT count(*) FROM pg_extension WHERE extname = 'hstore'") == 0


def test_a_trigger_that_keeps_rows_away_is_no_way_to_lose_them(db: Connection) -> None:
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    db.execute("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    db.execute("CREATE TABLE t (a integer PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    db.execute("CREATE TRIGGER g BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()")
    db.execute("SELECT pggit.commit('one')")
    db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [empty])
    db.execute("SELECT * FROM pggit.checkout('main')")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(1)") == "GT044"
    assert len(parked(db)) == 1
    db.execute("DROP TRIGGER g ON t")
    bring_back(db)
    db.execute("SELECT pggit.commit('no trigger'); SELECT pggit.create_branch('with_b')")
    db.execute("ALTER TABLE t DROP b; SELECT pggit.commit('no b'); SELECT * FROM pggit.checkout('with_b')")
    db.execute("UPDATE t SET b = 'z'; SELECT * FROM pggit.checkout('main', force => true)")
    db.execute("SELECT * FROM pggit.checkout('with_b')")
    db.execute("CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(2)") == "GT044"
    assert len(parked(db)) == 1


def test_rows_are_brought_back_into_a_table_only(db: Connection) -> None:
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    db.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1); SELECT pggit.commit('one')")
    db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [empty])
    db.execute("CREATE TABLE base (a integer); CREATE VIEW t AS SELECT a FROM base")
    assert refused(db, "SELECT * FROM pggit.restore_from_attic(1)") == "GT039"
    assert one(db, "SELECT count(*) FROM base") == 0
    assert len(parked(db)) == 1
