"""An ordinary role tries to get more than it has: nothing it made ever runs with another's rights."""

import threading
from typing import NamedTuple

import psycopg
import pytest

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_security import HOSTILE
from tests.extension.test_tracked_kinds import differences

SPY = """
    CREATE TABLE public.loot (who name, is_super boolean);
    GRANT INSERT ON public.loot TO PUBLIC;
    CREATE SCHEMA hers AUTHORIZATION mallory;
"""
HER_SPY = """
    CREATE FUNCTION hers.steal() RETURNS integer LANGUAGE plpgsql AS $f$
    DECLARE attempt text;
    BEGIN
        FOREACH attempt IN ARRAY ARRAY['SELECT 1', 'RESET ROLE', 'SET ROLE postgres', 'SET ROLE NONE',
                                       'SET LOCAL ROLE postgres', 'SET SESSION AUTHORIZATION postgres',
                                       'RESET SESSION AUTHORIZATION',
                                       'SELECT set_config(''search_path'', ''hers'', false)',
                                       'SELECT set_config(''work_mem'', ''77MB'', false)',
                                       'DECLARE held CURSOR WITH HOLD FOR SELECT hers.steal_later()',
                                       'PREPARE later AS SELECT hers.steal_later()', 'LISTEN x',
                                       'CREATE TEMPORARY VIEW t AS SELECT hers.steal_later()',
                                       'SET CONSTRAINTS ALL DEFERRED'] LOOP
            BEGIN
                EXECUTE attempt;
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
            INSERT INTO public.loot
            SELECT current_user, r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user;
        END LOOP;
        RETURN 1;
    END $f$;
    CREATE FUNCTION hers.steal_later() RETURNS integer LANGUAGE sql AS $f$
        INSERT INTO public.loot SELECT current_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user;
        SELECT 1 $f$;
    CREATE FUNCTION hers.spy(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
        $f$ BEGIN PERFORM hers.steal(); RETURN 1; END $f$;
    CREATE FUNCTION hers.spy_row() RETURNS trigger LANGUAGE plpgsql AS
        $f$ BEGIN PERFORM hers.steal(); RETURN new; END $f$;
    CREATE TABLE hers.t (a integer NOT NULL, b text);
    INSERT INTO hers.t VALUES (1, '(x)'), (2, '(y)');
"""
# Found first by whoever has her schema in front; not versioned, so the function cannot be dropped.
HER_OPERATOR = """
    CREATE FUNCTION hers.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
        $f$ BEGIN PERFORM hers.steal_later(); RETURN $1 OPERATOR(pg_catalog.=) $2; END $f$;
    CREATE OPERATOR hers.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hers.same);
"""


_QUERY_TEXT = (
    "CREATE FUNCTION hers.sq() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM hers.steal(); RETURN ''a''; END'"
)


_FAMILY = (
    "CREATE TABLE hers.p (a integer, b text) PARTITION BY LIST (b);"
    "CREATE TABLE hers.p1 PARTITION OF hers.p FOR VALUES IN ('x'); INSERT INTO hers.p VALUES (1, 'x');"
)
_KEY = "CREATE TABLE hers.k (a integer PRIMARY KEY); INSERT INTO hers.k VALUES (1), (2);"


class Trap(NamedTuple):
    """What mallory prepares, and the change whose way back, or whose return, evaluates what is hers."""

    base: str
    change: str
    runs: bool | None = True
    """Whether some checkout has to evaluate it; it must do no harm in any case. None: some PostgreSQL versions do."""


TRAPS = {
    "index": Trap("", "CREATE INDEX i ON hers.t (hers.spy(a))"),
    "unique-index": Trap("", "CREATE UNIQUE INDEX i ON hers.t ((hers.spy(a) + a))"),
    "partial-index": Trap("", "CREATE INDEX i ON hers.t (a) WHERE hers.spy(a) > 0"),
    "check": Trap("", "ALTER TABLE hers.t ADD CHECK (hers.spy(a) > 0)"),
    "exclusion": Trap("", "ALTER TABLE hers.t ADD EXCLUDE USING btree ((hers.spy(a) + a) WITH =)"),
    "generated": Trap("", "ALTER TABLE hers.t ADD COLUMN g integer GENERATED ALWAYS AS (hers.spy(a)) STORED"),
    "volatile-default": Trap("", "ALTER TABLE hers.t ADD COLUMN d integer DEFAULT hers.steal()"),
    "constant-default": Trap("", "ALTER TABLE hers.t ADD COLUMN d integer DEFAULT hers.spy(1)"),
    "new-table": Trap("", "CREATE TABLE hers.n (a integer DEFAULT hers.spy(1) CHECK (hers.spy(1) = 1), UNIQUE (a))"),
    "column-of-domain": Trap(
        "",
        "CREATE DOMAIN hers.d AS integer CHECK (hers.spy(VALUE) > 0); ALTER TABLE hers.t ADD COLUMN x hers.d DEFAULT 1",
    ),
    "domain-constraint": Trap(
        "CREATE DOMAIN hers.d AS integer; ALTER TABLE hers.t ADD COLUMN x hers.d DEFAULT 1",
        "ALTER DOMAIN hers.d ADD CHECK (hers.spy(VALUE) > 0)",
    ),
    "domain-default": Trap(
        "CREATE DOMAIN hers.d AS integer DEFAULT hers.steal()", "ALTER TABLE hers.t ADD COLUMN x hers.d"
    ),
    "materialized-view": Trap("", "CREATE MATERIALIZED VIEW hers.m AS SELECT hers.spy(a) FROM hers.t"),
    "attached-partition": Trap(
        "CREATE TABLE hers.p (a integer NOT NULL, b text) PARTITION BY RANGE ((hers.spy(a)))",
        "ALTER TABLE hers.p ATTACH PARTITION hers.t FOR VALUES FROM (0) TO (10)",
    ),
    "default-partition": Trap(
        "CREATE TABLE hers.p (a integer NOT NULL, b text) PARTITION BY RANGE ((hers.spy(a)));"
        "ALTER TABLE hers.p ATTACH PARTITION hers.t DEFAULT",
        "CREATE TABLE hers.q PARTITION OF hers.p FOR VALUES FROM (100) TO (200)",
    ),
    "cast-there": Trap(
        "CREATE TYPE hers.c AS (x text); CREATE FUNCTION hers.to_c(text) RETURNS hers.c LANGUAGE sql AS"
        " 'SELECT hers.steal(); SELECT ROW($1)::hers.c';"
        "CREATE CAST (text AS hers.c) WITH FUNCTION hers.to_c(text)",
        "ALTER TABLE hers.t ALTER COLUMN b TYPE hers.c USING hers.to_c(b)",
    ),
    "cast-back": Trap(
        "CREATE TYPE hers.c AS (x text); CREATE FUNCTION hers.of_c(hers.c) RETURNS text LANGUAGE sql AS"
        " 'SELECT hers.steal(); SELECT ''('' || ($1).x || '')''';"
        "CREATE CAST (hers.c AS text) WITH FUNCTION hers.of_c(hers.c) AS ASSIGNMENT",
        "ALTER TABLE hers.t ALTER COLUMN b TYPE hers.c USING ROW('x')::hers.c",
    ),
    "operator-check": Trap(
        "CREATE FUNCTION hers.same(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM hers.steal(); RETURN true; END';"
        "CREATE OPERATOR hers.### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hers.same)",
        "ALTER TABLE hers.t ADD CHECK (a OPERATOR(hers.###) 1)",
    ),
    "operator-as-partition-key": Trap(
        "CREATE FUNCTION hers.same(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM hers.steal(); RETURN true; END';"
        "CREATE OPERATOR hers.### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hers.same);"
        "CREATE TABLE hers.p (a integer NOT NULL, b text) PARTITION BY LIST ((a OPERATOR(hers.###) 1))",
        "ALTER TABLE hers.p ATTACH PARTITION hers.t FOR VALUES IN (true)",
    ),
    "type-under-an-index": Trap(
        "CREATE INDEX i ON hers.t (hers.spy(a), b); ALTER TABLE hers.t ADD CHECK (hers.spy(length(b)) > 0)",
        "ALTER TABLE hers.t ALTER COLUMN b TYPE varchar(90)",
    ),
    "replaced-function": Trap(
        "CREATE INDEX i ON hers.t (hers.spy(a))",
        "DROP FUNCTION hers.spy(integer) CASCADE",
    ),
    "view-and-policy": Trap(
        "",
        "CREATE VIEW hers.v AS SELECT hers.spy(a) FROM hers.t; ALTER TABLE hers.t ENABLE ROW LEVEL SECURITY,"
        "FORCE ROW LEVEL SECURITY; CREATE POLICY y ON hers.t USING (hers.spy(a) > 0)",
        runs=False,
    ),
    "trigger": Trap(
        "",
        "CREATE TRIGGER g BEFORE INSERT OR UPDATE ON hers.t FOR EACH ROW EXECUTE FUNCTION hers.spy_row();"
        "ALTER TABLE hers.t ADD COLUMN late integer DEFAULT 5",
        runs=False,
    ),
    "statistics": Trap("", "CREATE STATISTICS hers.s ON (hers.spy(a)), b FROM hers.t", runs=False),
    "generated-in-a-new-table": Trap(
        "",
        "CREATE TABLE hers.n (a integer, g integer GENERATED ALWAYS AS (hers.spy(1) + a) STORED)",
        runs=None,  # later versions work constants out when the table is made
    ),
    "constant-partition-key": Trap("", "CREATE TABLE hers.n (a integer) PARTITION BY RANGE ((hers.spy(1) + a))"),
    "deferred-trigger": Trap(
        "CREATE TABLE hers.k (a integer); INSERT INTO hers.k VALUES (1);"
        "CREATE FUNCTION hers.later() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM hers.steal_later(); RETURN new; END';"
        "CREATE CONSTRAINT TRIGGER g AFTER UPDATE ON hers.k DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION hers.later();"
        "CREATE FUNCTION hers.touch() RETURNS integer LANGUAGE plpgsql AS"
        " 'BEGIN UPDATE hers.k SET a = a; RETURN 1; END'",
        "ALTER TABLE hers.t ADD COLUMN d integer DEFAULT hers.touch()",
    ),
    "definer-in-a-domain": Trap(
        "CREATE DOMAIN hers.d AS integer; ALTER TABLE hers.t ADD COLUMN x hers.d DEFAULT 1",
        "CREATE FUNCTION hers.f(integer) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN PERFORM hers.steal(); RETURN true; END'; ALTER DOMAIN hers.d ADD CHECK (hers.f(VALUE))",
    ),
    "index-of-a-materialized-view": Trap(
        "", "CREATE MATERIALIZED VIEW hers.m AS SELECT a FROM hers.t; CREATE INDEX i ON hers.m ((hers.spy(1) + a))"
    ),
    "index-that-is-needed-early": Trap(
        "",
        "CREATE TABLE hers.n (a integer); CREATE INDEX i ON hers.n ((hers.spy(1) + a));"
        "CREATE DOMAIN hers.e AS text DEFAULT ('hers.i'::regclass)::text",
    ),
    "name-with-blanks": Trap(
        _QUERY_TEXT,
        "ALTER TABLE hers.t ADD CHECK (ts_rewrite('a'::tsquery, 'select hers . sq()::tsquery, hers . sq()::tsquery')"
        " IS NOT NULL)",
    ),
    "name-with-blanks-in-a-domain": Trap(
        _QUERY_TEXT + "; CREATE DOMAIN hers.d AS text; ALTER TABLE hers.t ADD x hers.d DEFAULT 'q'",
        "ALTER DOMAIN hers.d ADD CHECK (ts_rewrite('a'::tsquery,"
        " 'select hers . sq()::tsquery, hers . sq()::tsquery') IS NOT NULL)",
    ),
    "name-behind-a-quote": Trap(
        "CREATE FUNCTION hers.dc(text) RETURNS boolean LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM hers.steal(); RETURN true; END';"
        'CREATE DOMAIN hers.d AS text CHECK (hers.dc(VALUE)); CREATE COLLATION hers.".c" FROM "C"',
        'ALTER TABLE hers.t ADD "a""" hers.d COLLATE hers.".c"',
    ),
    # A plan works out what it can, even that for a count.
    "index-under-a-count": Trap(
        "",
        "CREATE TABLE hers.n (a integer); INSERT INTO hers.n VALUES (1); CREATE INDEX ON hers.n ((hers.spy(1) + a))",
    ),
    "statistics-under-a-count": Trap(
        "",
        "CREATE TABLE hers.n (a integer, b integer); INSERT INTO hers.n VALUES (1, 1);"
        "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.n",
    ),
    "statistics-under-a-materialized-view": Trap(
        "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.t",
        "CREATE MATERIALIZED VIEW hers.m AS SELECT a, b FROM hers.t",
    ),
    "key-of-a-grandparent-under-a-count": Trap(
        "CREATE TABLE hers.p (a integer, b text) PARTITION BY RANGE ((hers.spy(1) + a));"
        "CREATE TABLE hers.p1 PARTITION OF hers.p FOR VALUES FROM (0) TO (9) PARTITION BY LIST (b);"
        "CREATE TABLE hers.p11 PARTITION OF hers.p1 FOR VALUES IN ('x'); INSERT INTO hers.p VALUES (1, 'x')",
        "ALTER TABLE hers.p ADD COLUMN c integer; UPDATE hers.p SET c = 1",
    ),
    "partition-key-under-a-count": Trap(
        "CREATE TABLE hers.p (a integer, b text) PARTITION BY RANGE ((hers.spy(1) + a));"
        "CREATE TABLE hers.p1 PARTITION OF hers.p FOR VALUES FROM (0) TO (9); INSERT INTO hers.p VALUES (1, 'x')",
        "ALTER TABLE hers.p ADD COLUMN c integer; UPDATE hers.p SET c = 1",
    ),
    "index-that-is-attached": Trap(
        "CREATE TABLE hers.p (a integer NOT NULL, b text) PARTITION BY LIST (a);"
        "ALTER TABLE hers.p ATTACH PARTITION hers.t FOR VALUES IN (1, 2)",
        "CREATE INDEX pi ON hers.p ((hers.spy(1) + a))",
    ),
    "statistics-under-a-foreign-key": Trap(
        "CREATE TABLE hers.k (a integer PRIMARY KEY); INSERT INTO hers.k VALUES (1), (2);"
        "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.t",
        "ALTER TABLE hers.t ADD FOREIGN KEY (a) REFERENCES hers.k",
    ),
    # What a step does to a table it does to all below it, and a foreign key is checked on both sides.
    "check-of-a-partition": Trap(
        _FAMILY + "ALTER TABLE hers.p1 ADD CHECK (hers.spy(length(a::text)) > 0)",
        "ALTER TABLE hers.p ALTER a TYPE bigint",
    ),
    "check-of-a-child": Trap(
        "CREATE TABLE hers.c (CHECK (hers.spy(length(a::text)) > 0)) INHERITS (hers.t);"
        "DELETE FROM hers.t WHERE a = 2; INSERT INTO hers.c VALUES (2)",
        "ALTER TABLE hers.t ALTER a TYPE bigint",
    ),
    "statistics-of-a-partition": Trap(
        _FAMILY + _KEY + "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.p1",
        "ALTER TABLE hers.p ADD FOREIGN KEY (a) REFERENCES hers.k",
    ),
    "statistics-of-a-referenced-table": Trap(
        _KEY + "ALTER TABLE hers.k ADD c integer; CREATE STATISTICS hers.s ON (hers.spy(1) + a), c FROM hers.k",
        "ALTER TABLE hers.t ADD FOREIGN KEY (a) REFERENCES hers.k",
    ),
    "statistics-of-a-referencing-table": Trap(
        _KEY + "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.t;"
        "ALTER TABLE hers.t ADD FOREIGN KEY (a) REFERENCES hers.k",
        "ALTER TABLE hers.k ALTER a TYPE bigint",
    ),
    "statistics-of-what-is-attached": Trap(
        _FAMILY + _KEY + "ALTER TABLE hers.p ADD FOREIGN KEY (a) REFERENCES hers.k; DELETE FROM hers.t WHERE a > 1;"
        "CREATE TABLE hers.q (a integer, b text); INSERT INTO hers.q VALUES (1, 'y');"
        "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.q; INSERT INTO hers.t VALUES (2)",
        "ALTER TABLE hers.p ATTACH PARTITION hers.q FOR VALUES IN ('y')",
    ),
    "cast-in-a-partition-key": Trap(
        "CREATE TYPE hers.c AS (x integer); CREATE FUNCTION hers.to_c(integer) RETURNS hers.c"
        " LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM hers.steal(); RETURN ROW($1)::hers.c; END';"
        "CREATE FUNCTION hers.of_c(hers.c) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM hers.steal(); RETURN 1; END';"
        "CREATE CAST (integer AS hers.c) WITH FUNCTION hers.to_c(integer);"
        "CREATE CAST (hers.c AS integer) WITH FUNCTION hers.of_c(hers.c)",
        "CREATE TABLE hers.n (a integer) PARTITION BY RANGE ((((1::hers.c)::integer) + a))",
    ),
    "table-that-counts": Trap(
        "CREATE TYPE hers.c AS (x bigint); CREATE FUNCTION hers.of_c(hers.c) RETURNS bigint LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM hers.steal(); RETURN 1; END';"
        "CREATE CAST (hers.c AS bigint) WITH FUNCTION hers.of_c(hers.c) AS ASSIGNMENT;"
        "CREATE FUNCTION hers.plant() RETURNS integer LANGUAGE plpgsql AS $f$ BEGIN PERFORM hers.steal_later();"
        " ALTER TABLE pg_temp.pggit_step_rows ALTER COLUMN found TYPE hers.c USING NULL; RETURN 1;"
        " EXCEPTION WHEN OTHERS THEN RETURN hers.steal_later(); END $f$",
        "ALTER TABLE hers.t ADD COLUMN z integer DEFAULT hers.plant()",
    ),
    "foreign-key-by-a-cast": Trap(
        "CREATE TYPE hers.c AS (x integer); CREATE FUNCTION hers.to_i(hers.c) RETURNS integer LANGUAGE plpgsql"
        " IMMUTABLE AS 'BEGIN PERFORM hers.steal(); RETURN ($1).x; END';"
        "CREATE CAST (hers.c AS integer) WITH FUNCTION hers.to_i(hers.c) AS IMPLICIT;"
        "CREATE TABLE hers.k (a integer PRIMARY KEY); INSERT INTO hers.k VALUES (1);"
        "CREATE TABLE hers.r (c hers.c); INSERT INTO hers.r VALUES (ROW(1)::hers.c)",
        "ALTER TABLE hers.r ADD FOREIGN KEY (c) REFERENCES hers.k",
    ),
} | {
    # A constant of a type of hers is read, and its checks run, while a statement is parsed.
    f"constant-in-{where}": Trap("CREATE DOMAIN hers.d AS integer CHECK (hers.spy(VALUE) > 0)", change)
    for where, change in {
        "a-view": "CREATE VIEW hers.v AS SELECT '{1}'::hers.d[] AS x",
        "a-materialized-view": "CREATE MATERIALIZED VIEW hers.v AS SELECT '{1}'::hers.d[] AS x",
        "a-default": "ALTER TABLE hers.t ALTER COLUMN a SET DEFAULT ('{1}'::hers.d[])[1]",
        "a-new-tables-default": "CREATE TABLE hers.n (x hers.d[] DEFAULT '{1}')",
        "a-new-tables-check": "CREATE TABLE hers.n (a integer CHECK (a = ANY ('{1}'::hers.d[])))",
        "a-new-table": "CREATE TABLE hers.n (a integer, x hers.d[] GENERATED ALWAYS AS ('{1}'::hers.d[]) STORED)",
        "an-index": "CREATE INDEX i ON hers.t ((a = ANY ('{1}'::hers.d[])))",
        "a-policy": "CREATE POLICY y ON hers.t USING (a = ANY ('{1}'::hers.d[]))",
        "a-rule": "CREATE RULE r AS ON UPDATE TO hers.t WHERE old.a = ANY ('{1}'::hers.d[]) DO INSTEAD NOTHING",
        "a-trigger": "CREATE TRIGGER g BEFORE UPDATE ON hers.t FOR EACH ROW WHEN (old.a = ANY ('{1}'::hers.d[]))"
                     " EXECUTE FUNCTION hers.spy_row()",
        "statistics": "CREATE STATISTICS hers.s ON (a = ANY ('{1}'::hers.d[])), b FROM hers.t",
        "an-argument": "CREATE FUNCTION hers.f(x hers.d[] DEFAULT '{1}') RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "a-body": "CREATE FUNCTION hers.f() RETURNS hers.d[] BEGIN ATOMIC; SELECT '{1}'::hers.d[]; END",
        "a-domain": "CREATE DOMAIN hers.e AS integer DEFAULT ('{1}'::hers.d[])[1]",
        "an-aggregate": "CREATE FUNCTION hers.s(hers.d[], integer) RETURNS hers.d[] LANGUAGE sql AS 'SELECT $1';"
                        "CREATE AGGREGATE hers.g(integer) (SFUNC = hers.s, STYPE = hers.d[], INITCOND = '{1}')",
    }.items()
}  # fmt: skip


SESSION = """
    SELECT name, setting FROM pg_settings UNION ALL SELECT 'cursor', name FROM pg_cursors WHERE is_holdable
    UNION ALL SELECT 'prepared', name FROM pg_prepared_statements WHERE from_sql
    UNION ALL SELECT 'channel', c FROM pg_listening_channels() c
    UNION ALL SELECT 'temporary', relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
    UNION ALL SELECT 'temporary', typname FROM pg_type WHERE typnamespace = pg_my_temp_schema() ORDER BY 1, 2"""


def spying(db: Connection, connect: Connect) -> Connection:
    """mallory's connection: an ordinary role, in whose schema functions note the rights that they run with."""
    mallory = connect("mallory")
    db.execute(SPY)
    mallory.execute(HER_SPY.encode())
    return mallory


def looters(db: Connection) -> set[tuple[str, bool]]:
    return set(db.execute("SELECT who, is_super FROM public.loot").fetchall())


@pytest.mark.parametrize("name", TRAPS)
def test_a_superusers_checkout_lends_nobody_its_rights(db: Connection, connect: Connect, name: str) -> None:
    trap = TRAPS[name]
    mallory = spying(db, connect)
    mallory.execute(HER_OPERATOR.encode())
    mallory.execute(trap.base.encode())
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    mallory.execute(trap.change.encode())
    db.execute("SELECT pggit.commit('after')")
    db.execute("TRUNCATE public.loot")
    settings = db.execute(SESSION).fetchall()
    for ref in ("before", "main", "before", "main"):
        db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [ref])
        assert looters(db) <= {("mallory", False)}, ref
        assert one(db, "SELECT current_user") == "postgres"
        assert db.execute(SESSION).fetchall() == settings
    assert trap.runs in (None, bool(looters(db))), "it was never evaluated: the test proves nothing"
    assert one(db, "SELECT count(*) FROM hers.t") == 2
    assert differences(db) == []


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (
            "CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.k",
            "ALTER TABLE public.own ADD FOREIGN KEY (a) REFERENCES hers.k",
        ),
        (
            "ALTER TABLE hers.k ADD CHECK (hers.spy(length(a::text)) > 0)",
            "ALTER TABLE public.own ADD FOREIGN KEY (a) REFERENCES hers.k ON UPDATE CASCADE",
        ),
    ],
    ids=["statistics", "check"],
)
def test_a_superusers_foreign_key_to_her_table(db: Connection, connect: Connect, base: str, change: str) -> None:
    mallory = spying(db, connect)
    mallory.execute("CREATE TABLE hers.k (a integer PRIMARY KEY, b text); INSERT INTO hers.k VALUES (1, 'x')")
    mallory.execute(base.encode())
    db.execute("CREATE TABLE public.own (a integer); INSERT INTO public.own VALUES (1)")
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    db.execute(change.encode())
    db.execute("SELECT pggit.commit('after'); TRUNCATE public.loot")
    for ref in ("before", "main"):
        try:
            db.execute("SELECT * FROM pggit.checkout(%s)", [ref])
        except psycopg.DatabaseError as error:
            assert error.sqlstate == "GT045"  # noqa: PT017 - whether it is refused is up to what hangs on the table
        assert ("postgres", True) not in looters(db)
        assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('HEAD')")


def test_what_waits_for_the_end_of_her_transaction_stays_hers(db: Connection, connect: Connect) -> None:
    """park() runs with the owner's rights: her deferred triggers are not to fire in it."""
    mallory = spying(db, connect)
    mallory.execute(TRAPS["deferred-trigger"].base.encode())
    mallory.execute("CREATE INDEX ON hers.t ((hers.spy(1) + a))")
    db.execute("SELECT pggit.commit('hers'), pggit.grant_access('mallory', 'admin'); TRUNCATE public.loot")
    with mallory.transaction():
        mallory.execute("UPDATE hers.k SET a = a")
        mallory.execute("SELECT pggit.park('hers.t', NULL)")
    assert looters(db) == {("mallory", False)}


@pytest.mark.parametrize("trap", ["parent", "child", "owner"])
def test_values_are_brought_back_with_their_owners_rights(db: Connection, connect: Connect, trap: str) -> None:
    mallory = spying(db, connect)
    mallory.execute("CREATE TABLE hers.p (a integer, c text) PARTITION BY LIST (a)")
    mallory.execute("CREATE TABLE hers.p1 PARTITION OF hers.p FOR VALUES IN (1); INSERT INTO hers.p VALUES (1, 'x')")
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    mallory.execute("ALTER TABLE hers.p ADD x text; UPDATE hers.p SET x = 'kept'")
    db.execute("SELECT pggit.commit('after')")
    db.execute("SELECT * FROM pggit.checkout('before', force => true); SELECT * FROM pggit.checkout('main')")
    number, parked = db.execute("SELECT id, parked_as FROM pggit.list_attic()").fetchone() or (0, "")
    if trap == "parent":
        mallory.execute("CREATE STATISTICS hers.s ON (hers.spy(1) + a), c FROM hers.p")
    elif trap == "child":
        mallory.execute(f"CREATE TABLE hers.kid () INHERITS ({parked})".encode())
        mallory.execute("CREATE INDEX ON hers.kid ((hers.spy(1) + a)); INSERT INTO hers.kid VALUES (7)")
    else:
        mallory.execute(f"CREATE STATISTICS hers.s ON (hers.spy(1) + a), x FROM {parked}".encode())
        db.execute("ALTER TABLE hers.p OWNER TO postgres; ALTER TABLE hers.p1 OWNER TO postgres")
    db.execute("TRUNCATE public.loot")
    if trap == "parent":
        db.execute("SELECT * FROM pggit.restore_from_attic(%s)", [number])
        assert one(mallory, "SELECT x FROM hers.p") == "kept"
    else:  # the child would be lost with what it is below
        code = {"owner": "GT045", "child": "2BP01"}[trap]
        assert refused(db, "SELECT * FROM pggit.restore_from_attic(%s)", number) == code
        assert one(mallory, f"SELECT x FROM ONLY {parked}") == "kept"
    assert looters(db) <= {("mallory", False)}


def test_a_table_that_changes_while_a_checkout_waits(db: Connection, connect: Connect) -> None:
    """What hangs on a table is looked at when it is locked."""
    mallory, other = connect("mallory"), connect("mallory")
    db.execute(SPY)
    mallory.execute(HER_SPY.encode())
    mallory.execute(_KEY.encode())
    # what is counted here outlives the checkout, which fails in the end
    db.execute("CREATE SEQUENCE public.counted; GRANT ALL ON SEQUENCE public.counted TO PUBLIC")
    mallory.execute("""CREATE OR REPLACE FUNCTION hers.spy(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN IF current_user = 'postgres' THEN PERFORM nextval('public.counted'); END IF; RETURN 1; END $$""")
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    mallory.execute("ALTER TABLE hers.t ADD FOREIGN KEY (a) REFERENCES hers.k")
    db.execute("SELECT pggit.commit('after'); SELECT * FROM pggit.checkout('before')")
    other.execute("BEGIN; LOCK TABLE hers.t IN SHARE UPDATE EXCLUSIVE MODE")  # it can be read, so the plan is made
    ended: list[str | None] = []

    def check_out() -> None:
        try:
            db.execute("SELECT * FROM pggit.checkout('main')")
            ended.append(None)
        except psycopg.DatabaseError as error:
            ended.append(error.sqlstate)

    waiting = threading.Thread(target=check_out)
    waiting.start()
    watch = connect()
    while not one(watch, "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", db.info.backend_pid):
        assert waiting.is_alive()
    other.execute("CREATE STATISTICS hers.s ON (hers.spy(1) + a), b FROM hers.t; COMMIT")
    waiting.join()
    assert ended == ["GT038"]
    assert one(watch, "SELECT is_called FROM public.counted") is False


def test_settings_of_superusers_are_not_told(db: Connection, connect: Connect) -> None:
    """A default is worked out with its owner's rights, current_setting() too."""
    mallory = spying(db, connect)
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    mallory.execute("ALTER TABLE hers.t ADD d text")
    mallory.execute("ALTER TABLE hers.t ALTER d SET DEFAULT current_setting('data_directory')")
    db.execute("SELECT pggit.commit('after'); SELECT * FROM pggit.checkout('before')")
    assert refused(db, "SELECT * FROM pggit.checkout('main')") == "42501"
    assert "d" not in {
        row[0] for row in db.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'hers.t'::regclass")
    }


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        # A type of hers in pg_temp would be found before PostgreSQL's own, by every statement to come.
        ("CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (hers.steal_later() > 0)", "GT045"),
        ("CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT hers.steal_later()'", "GT045"),
        # A trigger put off until the end of the transaction would run as the superuser.
        ("SET CONSTRAINTS ALL DEFERRED; UPDATE hers.k SET a = a", "42501"),
    ],
    ids=["type", "function", "trigger"],
)
def test_what_would_stay_behind_is_refused(db: Connection, connect: Connect, deed: str, code: str) -> None:
    mallory = spying(db, connect)
    mallory.execute(TRAPS["deferred-trigger"].base.encode())
    mallory.execute(
        f"""CREATE FUNCTION hers.plant() RETURNS integer LANGUAGE plpgsql AS
        $f$ BEGIN {deed}; RETURN 1;
        EXCEPTION WHEN duplicate_object OR duplicate_function THEN RETURN 2; END $f$""".encode()
    )
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    mallory.execute("ALTER TABLE hers.t ADD COLUMN x integer DEFAULT hers.plant()")
    db.execute("SELECT pggit.commit('after'); SELECT * FROM pggit.checkout('before', force => true)")
    db.execute("TRUNCATE loot")
    tree = one(db, "SELECT pggit.live_tree()")
    assert refused(db, "SELECT * FROM pggit.checkout('main')") == code
    assert one(db, "SELECT pggit.live_tree()") == tree
    assert one(db, "SELECT count(*) FROM pg_type WHERE typnamespace = pg_my_temp_schema()") == 0
    assert looters(db) == set()


@pytest.mark.parametrize("timing", ["BEFORE", "AFTER", "DEFERRED"])
def test_bringing_rows_back_fires_triggers_as_their_tables_owner(db: Connection, connect: Connect, timing: str) -> None:
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    mallory = spying(db, connect)
    mallory.execute(
        "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON hers.t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION hers.spy_row()"
        if timing == "DEFERRED"
        else f"CREATE TRIGGER g {timing} INSERT ON hers.t FOR EACH ROW EXECUTE FUNCTION hers.spy_row()".encode()
    )
    db.execute("SELECT pggit.commit('hers')")
    db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [empty])
    db.execute("SELECT * FROM pggit.checkout('main')")
    kept = one(db, "SELECT id FROM pggit.list_attic() WHERE object = 'hers.t'")
    db.execute("SELECT * FROM pggit.restore_from_attic(%s)", [kept])
    assert one(db, "SELECT count(*) FROM hers.t") == 2
    assert looters(db) == {("mallory", False)}


def test_nobody_reads_parked_rows_of_others(db: Connection, connect: Connect) -> None:
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    db.execute("CREATE TABLE secrets (id integer PRIMARY KEY, word text); INSERT INTO secrets VALUES (1, 'x')")
    db.execute("SELECT pggit.commit('one')")
    db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [empty])
    kept, parked = db.execute("SELECT id, parked_as FROM pggit.list_attic()").fetchone() or (0, "")
    mallory = connect("mallory")
    db.execute("SELECT pggit.grant_access('mallory', 'admin')")
    for attack in (
        f"SELECT * FROM {parked}",
        f"SELECT pggit.clear_attic({kept})",
        f"SELECT * FROM pggit.restore_from_attic({kept})",
        "SELECT pggit.park('pggit.history', NULL)",
        f"DROP TABLE {parked}",
    ):
        with pytest.raises(psycopg.DatabaseError):
            mallory.execute(attack.encode())
    assert one(db, f"SELECT count(*) FROM {parked}") == 1
    assert one(db, "SELECT count(*) FROM pggit.list_attic()") == 1


NAME = "\"'\n; DROP TABLE public.canary; --$$ %I %s %L \\"
QUOTED = '"' + NAME.replace('"', '""') + '"'
TEXT = "E'" + NAME.replace("\\", "\\\\").replace("'", "''") + "'"
NAMED = f"""
    CREATE SCHEMA {QUOTED};
    CREATE TYPE {QUOTED}.{QUOTED} AS ENUM ({TEXT}, 'b');
    CREATE DOMAIN {QUOTED}.domain AS text CONSTRAINT {QUOTED} CHECK (VALUE <> {TEXT}) DEFAULT {TEXT};
    CREATE TYPE {QUOTED}.composite AS ({QUOTED} text);
    CREATE FUNCTION {QUOTED}.{QUOTED}({QUOTED} text DEFAULT {TEXT}) RETURNS text LANGUAGE sql IMMUTABLE
        SET application_name = {TEXT} AS {TEXT.replace("DROP", "SELECT 1; DROP")};
    CREATE TABLE {QUOTED}.t ({QUOTED} text DEFAULT {TEXT} NOT NULL, e {QUOTED}.{QUOTED} DEFAULT {TEXT},
        n integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {QUOTED}.s1),
        CONSTRAINT {QUOTED} CHECK ({QUOTED} <> {TEXT}), CONSTRAINT k PRIMARY KEY ({QUOTED}));
    CREATE INDEX {QUOTED} ON {QUOTED}.t (({QUOTED} || {TEXT})) WHERE e <> {TEXT};
    CREATE VIEW {QUOTED}.v ({QUOTED}) AS SELECT {QUOTED} || {TEXT} FROM {QUOTED}.t;
    CREATE MATERIALIZED VIEW {QUOTED}.m AS SELECT {TEXT} AS {QUOTED};
    CREATE SEQUENCE {QUOTED}.s OWNED BY {QUOTED}.t.{QUOTED};
    CREATE FUNCTION {QUOTED}.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER {QUOTED} BEFORE INSERT ON {QUOTED}.t FOR EACH ROW EXECUTE FUNCTION {QUOTED}.g({TEXT});
    CREATE RULE {QUOTED} AS ON DELETE TO {QUOTED}.v DO INSTEAD NOTHING;
    CREATE POLICY {QUOTED} ON {QUOTED}.t USING ({QUOTED} <> {TEXT});
    CREATE STATISTICS {QUOTED}.st ON {QUOTED}, e FROM {QUOTED}.t;
    COMMENT ON TABLE {QUOTED}.t IS {TEXT};
    COMMENT ON COLUMN {QUOTED}.t.{QUOTED} IS {TEXT};
    COMMENT ON TRIGGER {QUOTED} ON {QUOTED}.t IS {TEXT};
    COMMENT ON CONSTRAINT {QUOTED} ON {QUOTED}.t IS {TEXT};
"""


def test_names_and_texts_are_never_run(db: Connection) -> None:
    """Each kind of name and of text, away and back, and into a script."""
    empty = one(db, "SELECT pggit.resolve_ref('HEAD')")
    db.execute("CREATE TABLE public.canary (id integer); SELECT pggit.commit('the canary')")
    db.execute("SET check_function_bodies = off")
    db.execute(NAMED.encode())
    tree = one(db, "SELECT pggit.live_tree()")
    db.execute("SELECT pggit.commit(%s)", [NAME])
    for maker in ("create_restore_point", "create_branch", "tag"):
        with pytest.raises(psycopg.DatabaseError) as raised:
            db.execute(f"SELECT pggit.{maker}(%s)".encode(), [NAME])
        assert raised.value.sqlstate == "GT005"
    db.execute("SELECT pggit.create_restore_point('here')")
    for text in ("SELECT * FROM pggit.log()", "SELECT * FROM pggit.show()", "SELECT pggit.graph('dot')",
                 "SELECT pggit.graph('mermaid')", "SELECT * FROM pggit.status()"):  # fmt: skip
        db.execute(text.encode())
    for reader in ("get_history", "blame", "get_impact_analysis", "object_ddl"):
        db.execute(f"SELECT * FROM pggit.{reader}(%s)".encode(), [f"{QUOTED}.t"])
    first = one(db, "SELECT hash FROM pggit.log() OFFSET 1 LIMIT 1")
    db.execute("SELECT * FROM pggit.checkout(%s)", [first])
    assert one(db, "SELECT count(*) FROM pggit.objects WHERE is_active AND identity LIKE '%DROP TABLE%'") == 0
    db.execute("SELECT * FROM pggit.checkout('main')")
    assert one(db, "SELECT pggit.live_tree()") == tree
    db.execute("SELECT * FROM pggit.restore_to_point('here')")
    script = one(db, "SELECT pggit.diff_sql(%s, 'HEAD')", empty)
    db.execute("SELECT * FROM pggit.checkout(%s)", [empty])
    db.execute(script.encode())
    assert one(db, "SELECT pggit.live_tree()") == tree
    assert one(db, "SELECT to_regclass('public.canary') IS NOT NULL")
    assert differences(db) == []


def test_what_shadows_functions_and_operators_runs_nowhere(db: Connection, connect: Connect) -> None:
    """Mallory's own format(), clock_timestamp() and = stand first in the superuser's search_path."""
    db.execute("CREATE TABLE loot (who text); GRANT ALL ON loot TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC")
    connect("mallory").execute(HOSTILE.format(schema="public").encode())
    db.execute("SELECT pggit.commit('hers')")
    db.execute("SET search_path = public, pg_catalog")
    for statement in (
        "CREATE TABLE victim (id integer PRIMARY KEY, note text)",
        "SELECT pggit.commit('one')",
        "SELECT pggit.create_branch('side')",
        "ALTER TABLE victim ADD COLUMN x text",
        "SELECT pggit.commit('two')",
        "SELECT * FROM pggit.checkout('side')",
        "CREATE INDEX ON victim (note)",
        "SELECT pggit.commit('three')",
        "SELECT * FROM pggit.merge('main')",
        "SELECT * FROM pggit.diff('main', 'side')",
        "SELECT pggit.diff_sql('main', 'LIVE')",
        "SELECT pggit.export_ddl()",
        "SELECT * FROM pggit.revert('main')",
        "SELECT pggit.create_restore_point('p')",
        "SELECT * FROM pggit.reset('main')",
        "SELECT * FROM pggit.restore_to_point('p')",
        "SELECT * FROM pggit.blame('public.victim')",
        "SELECT * FROM pggit.log()",
        "SELECT pggit.graph('text')",
        "SELECT * FROM pggit.schema_at(pg_catalog.clock_timestamp())",
        "SELECT pggit.seal()",
        "SELECT * FROM pggit.verify_audit()",
    ):
        db.execute(statement.encode())
    assert db.execute("SELECT * FROM public.loot").fetchall() == []
    db.execute("RESET search_path")
    assert differences(db) == []


def test_a_definition_that_was_tampered_with_is_not_run(db: Connection) -> None:
    db.execute("CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; SELECT pggit.commit('one')")
    db.execute("SELECT pggit.create_branch('one'); DROP FUNCTION f(); SELECT pggit.commit('two')")
    db.execute("ALTER TABLE pggit.blobs DISABLE TRIGGER USER")
    db.execute("UPDATE pggit.blobs SET definition = replace(definition::text, 'SELECT 1', 'SELECT 666')::jsonb")
    for attempt in ("SELECT * FROM pggit.checkout('one')", "SELECT pggit.export_ddl('one')"):
        with pytest.raises(psycopg.DatabaseError) as raised:
            db.execute(attempt.encode())
        assert raised.value.sqlstate == "GT035"
    assert one(db, "SELECT to_regprocedure('f()') IS NULL")


ARGUMENTS = {
    "text": ["NULL", "''", "'HEAD'", "'main'", f"{TEXT}", "repeat('x', 3000)", "'LIVE'", "'public.victim'", "'now'"],
    "boolean": ["NULL", "true", "false"],
    "bigint": ["NULL", "-1", "0", "1", "9223372036854775807"],
    "integer": ["NULL", "-1", "0", "2147483647"],
    "jsonb": ["NULL", "'null'", "'[]'", """'{"owner": "postgres", "columns": []}'"""],
    "timestamp with time zone": ["NULL", "'-infinity'", "'infinity'", "now()"],
    "text[]": ["NULL", "'{}'", "ARRAY[NULL, 'x']"],
    "oid[]": ["NULL", "'{}'", "ARRAY[0, 1259]::oid[]"],
    "oid": ["NULL", "0", "1259"],
}
LEVELS = ("reader", "committer", "admin")
SOUND = {
    "a blob that is not what its hash says": """
        SELECT count(*) FROM pggit.blobs b WHERE b.hash <> pggit.blob_hash(b.object_type, b.identity, b.definition)""",
    "a branch without its commit": """
        SELECT count(*) FROM pggit.branches b WHERE NOT EXISTS (SELECT FROM pggit.commits c WHERE c.hash = b.head)""",
    "a commit without its tree": """
        SELECT count(*) FROM pggit.commits c WHERE NOT EXISTS (SELECT FROM pggit.trees t WHERE t.hash = c.tree)""",
    "a commit without its parent": """
        SELECT count(*) FROM pggit.commits c CROSS JOIN unnest(c.parents) p
        WHERE NOT EXISTS (SELECT FROM pggit.commits q WHERE q.hash = p)""",
    "history under another's name": """
        SELECT count(*) FROM pggit.history h WHERE h.identity = 'public.victim' AND h.session_role <> 'postgres'""",
}


@pytest.mark.parametrize("level", LEVELS)
def test_no_call_with_hostile_arguments_does_harm(db: Connection, connect: Connect, level: str) -> None:
    """Every function that a level may call, alone, with whatever a role could think of."""
    mallory = connect("mallory")
    db.execute("CREATE TABLE victim (id integer PRIMARY KEY); INSERT INTO victim VALUES (1)")
    db.execute("SELECT pggit.commit('one'); CREATE TABLE canary (id integer); SELECT pggit.commit('two')")
    db.execute("SELECT pggit.grant_access('mallory', %s)", [level])
    before = db.execute("SELECT md5(string_agg(h::text, ' ' ORDER BY h.id)), max(h.id) FROM pggit.history h").fetchone()
    assert before is not None
    mallory.execute("SET statement_timeout = '10s'")  # what never ends is broken, too
    functions = mallory.execute("""
        SELECT p.proname, p.proargtypes::regtype[]::text[] FROM pg_proc p
        WHERE p.pronamespace = 'pggit'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')
          AND p.prorettype <> 'event_trigger'::regtype AND p.prokind = 'f' ORDER BY 1""").fetchall()
    assert len(functions) > 10
    called = 0
    broken: list[str] = []
    for name, types in functions:
        pools = [ARGUMENTS.get(type_name, ["NULL"]) for type_name in types]
        for turn in range(max(map(len, pools), default=1)):
            words = ", ".join(pool[(turn + place) % len(pool)] + f"::{type_name}"
                              for place, (pool, type_name) in enumerate(zip(pools, types, strict=True)))  # fmt: skip
            try:
                mallory.execute(f"SELECT * FROM pggit.{name}({words})".encode())
                called += 1
            except psycopg.DatabaseError as error:
                if error.sqlstate in ("XX000", "XX001", "XX002", "57014"):  # PostgreSQL's own "cannot be"
                    broken.append(f"{name}({words}): {error}")
    assert broken == []
    assert called > 10
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        mallory.execute("DROP TABLE victim")
    db.execute("SELECT pggit.resume()")
    assert one(db, "SELECT count(*) FROM victim") == 1
    assert one(db, "SELECT to_regclass('public.canary') IS NOT NULL")
    after = one(
        db, "SELECT md5(string_agg(h::text, ' ' ORDER BY h.id)) FROM pggit.history h WHERE h.id <= %s", before[1]
    )
    assert after == before[0]
    assert {what: one(db, query) for what, query in SOUND.items()} == dict.fromkeys(SOUND, 0)
    if level == "reader":
        assert one(db, "SELECT count(*) FROM pggit.reflog WHERE changed_by = 'mallory'") == 0
    db.execute("SELECT pggit.rescan()")
    assert differences(db) == []


FORGERIES = [
    "INSERT INTO pggit.history SELECT * FROM pggit.history",
    "UPDATE pggit.history SET session_role = 'somebody'",
    "DELETE FROM pggit.history",
    "TRUNCATE pggit.history",
    "UPDATE pggit.branches SET head = 'x'",
    "DELETE FROM pggit.tags",
    "INSERT INTO pggit.blobs (hash, object_type, identity, definition) VALUES ('x', 'TABLE', 'x', '{}')",
    "UPDATE pggit.head SET branch_id = 1",
    "INSERT INTO pggit.uncommitted (object_type, identity) VALUES ('TABLE', 'x')",
    "UPDATE pggit.seals SET digest = 'x'",
    "UPDATE pggit.attic SET parked_as = 'pggit.history'",
    "UPDATE pggit.merge_state SET merged_tree = 'x'",
    "INSERT INTO pggit.merge_state (source) VALUES ('x')",
    "UPDATE pggit.restore_points SET tree = 'x'",
    "INSERT INTO pggit.settings (name, value) VALUES ('paused', 'on')",
    "SELECT setval('pggit.history_id_seq', 1)",
    "CREATE TABLE pggit.mine (id integer)",
    "SELECT pggit.grant_access('mallory', 'admin')",
    "SELECT pggit.move_branch(1, 'x', 'y', 'z')",
    "SELECT pggit.put_commit(1, 'x', '{}', 'y')",
    "SELECT pggit.put_blob('TABLE', 'x', '{}')",
]


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_can_be_forged_at_any_level(db: Connection, connect: Connect, level: str) -> None:
    mallory = connect("mallory")
    db.execute("SELECT pggit.grant_access('mallory', %s)", [level])
    outcomes: dict[str, object] = {}
    for forgery in FORGERIES:
        outcomes[forgery] = "was done"
        try:
            with mallory.transaction(force_rollback=True):  # what is done after all is in no other's way
                mallory.execute(forgery.encode())
        except psycopg.Error as error:
            outcomes[forgery] = type(error)
    assert outcomes == dict.fromkeys(FORGERIES, psycopg.errors.InsufficientPrivilege)


class Refused(NamedTuple):
    """What the superuser makes, what mallory adds, the change by either, and the error of the way to or from it."""

    base: str
    hers: str
    change: str
    code: str
    by_her: bool = False


REFUSED = {
    # PostgreSQL's own functions have a superuser's powers in a superuser's hands.
    "powers": Refused(
        "CREATE SCHEMA unused",
        "",
        "ALTER TABLE hers.t ADD x text; ALTER TABLE hers.t ALTER x SET DEFAULT pg_read_file('/etc/hostname')",
        "42501",
        by_her=True,
    ),
    # Her code cannot run as the owner of a superuser's table, nor as a superuser.
    "attach": Refused(
        "CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY LIST (a)",
        "ALTER TABLE hers.t ADD CHECK (hers.spy(1) = 1)",
        "ALTER TABLE public.p ATTACH PARTITION hers.t FOR VALUES IN (1, 2)",
        "GT045",
    ),
    "child": Refused(
        "CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY LIST (b);"
        "CREATE TABLE hers.p1 PARTITION OF p FOR VALUES IN ('x'); ALTER TABLE hers.p1 OWNER TO mallory",
        "ALTER TABLE hers.p1 ADD CHECK (hers.spy(length(b || a)) = 1)",
        "ALTER TABLE public.p ALTER a TYPE bigint",
        "GT045",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_with_her_rights_is_refused(db: Connection, connect: Connect, name: str) -> None:
    refused_one = REFUSED[name]
    mallory = spying(db, connect)
    db.execute(refused_one.base.encode())
    mallory.execute(refused_one.hers.encode())
    db.execute("SELECT pggit.commit('before'); SELECT pggit.create_branch('before')")
    if refused_one.by_her:
        mallory.execute(refused_one.change.encode())
    else:
        with connect() as careless:
            careless.execute(refused_one.change.encode())
    db.execute("SELECT pggit.commit('after')")
    db.execute("TRUNCATE loot")
    refusals = set()
    for ref in ("before", "main"):
        try:
            db.execute("SELECT * FROM pggit.checkout(%s, force => true)", [ref])
        except psycopg.DatabaseError as error:
            refusals.add(error.sqlstate)
        assert looters(db) <= {("mallory", False)}
    assert refusals == {refused_one.code}
    assert differences(db) == []


def test_parking_and_clearing_run_nothing_of_hers(db: Connection, connect: Connect) -> None:
    mallory = spying(db, connect)
    db.execute("CREATE TABLE other (a integer PRIMARY KEY, secret text); INSERT INTO other VALUES (1, 's')")
    db.execute("SELECT pggit.commit('with'); SELECT pggit.create_branch('with')")
    db.execute("ALTER TABLE other DROP secret; SELECT pggit.commit('without'); SELECT * FROM pggit.checkout('with')")
    db.execute("UPDATE other SET secret = 's'; SELECT * FROM pggit.checkout('main', force => true)")
    db.execute("SELECT pggit.grant_access('mallory', 'admin'); TRUNCATE loot")
    # parked with the rights of pgGit's owner, read with hers
    mallory.execute("CREATE TABLE hers.p (a integer, b text) PARTITION BY RANGE ((hers.spy(1) + a))")
    mallory.execute(
        "CREATE TABLE hers.p1 PARTITION OF hers.p FOR VALUES FROM (0) TO (9); SELECT pggit.park('hers.p', 'b')"
    )
    # what others parked is not hers to clear, whoever's session it is
    mallory.execute("""CREATE FUNCTION hers.clear() RETURNS integer LANGUAGE plpgsql AS $f$
        BEGIN PERFORM pggit.clear_attic(1); RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 2; END $f$;
        CREATE FUNCTION hers.boom(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
            $f$ BEGIN RETURN hers.clear(); END $f$;
        CREATE INDEX ON hers.t (hers.boom(a))""")
    db.execute("ANALYZE hers.t; REINDEX TABLE hers.t")
    assert one(db, "SELECT secret FROM pggit_attic.other_1") == "s"
    assert one(db, "SELECT count(*) FROM pggit.list_attic() WHERE id = 1") == 1
    assert looters(db) <= {("mallory", False)}


@pytest.mark.parametrize(
    "settings", ["datestyle = 'SQL, DMY'", "extra_float_digits = -5", "intervalstyle = 'sql_standard'"]
)
def test_parked_values_are_the_same_in_every_session(db: Connection, settings: str) -> None:
    db.execute("CREATE DOMAIN d AS date; CREATE DOMAIN f AS double precision; CREATE DOMAIN i AS interval;"
               "CREATE TABLE t (id integer PRIMARY KEY)")  # fmt: skip
    db.execute("SELECT pggit.commit('one'); SELECT pggit.create_branch('one')")
    db.execute("ALTER TABLE t ADD a d, ADD b f, ADD c i; SELECT pggit.commit('two')")
    db.execute("INSERT INTO t VALUES (1, '2026-01-02', pi(), '-1 month +2 days')")
    whole = "SELECT a, b, c::interval = '-1 month +2 days' AS same FROM t"
    before = db.execute(whole.encode()).fetchall()
    db.execute(f"SET {settings}; SELECT * FROM pggit.checkout('one', force => true); RESET ALL".encode())
    db.execute("SELECT * FROM pggit.checkout('main')")
    for (kept,) in db.execute("SELECT id FROM pggit.list_attic()").fetchall():
        db.execute("SELECT * FROM pggit.restore_from_attic(%s)", [kept])
    assert db.execute(whole.encode()).fetchall() == before
