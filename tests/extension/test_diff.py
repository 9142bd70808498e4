"""diff is a proof: what its script makes of one schema is the other, hash for hash, and no row is lost on the way.

Random schemas are test_properties' matter; here are the changes that are known to be hard, each with its rows.
"""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tasks.lib.servers import Server
from tests.extension.conftest import Connection, Psql, database
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences


@dataclasses.dataclass(frozen=True)
class Change:
    """Two states of a schema."""

    base: str
    change: str
    rows: tuple[str, str] = ("SELECT 1", "SELECT 1")
    """What to select in the first state and in the second: always the same rows."""
    has: str = ""
    """What the script of the change has in it, a regular expression."""
    hasnt: str = ""
    """What it has not: a way that is dearer than it need be."""


def keeps(base: str, change: str, before: str, after: str = "", **more: str) -> Change:
    return Change(base, change, (before, after or before), **more)


NUMBERS = "INSERT INTO t SELECT g FROM generate_series(1, 5) g"
LONG = "ä" * 31 + "b"  # 63 bytes
ODD = ('"a.b"', '"C""d"', '"select"', '"it\'s"', '" "', '"%I $1 \\"', f'"{LONG}"', '"{x,y}"', '"новый"', '"--x"')

KEY_OFF = (
    "DO $$DECLARE n name; BEGIN FOR n IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'r'::regclass AND tgisinternal"
    " LOOP EXECUTE format('ALTER TABLE r DISABLE TRIGGER %I', n); END LOOP; END$$"
)
RANGES = (
    "CREATE TABLE t (a r, b integer, CHECK (NOT upper_inf(a)), EXCLUDE USING gist (a WITH &&));"
    "CREATE INDEX i ON t (upper_inf(a)); CREATE STATISTICS s ON lower_inf(a), b FROM t; CREATE TABLE u () INHERITS (t)"
)

CHANGES = {
    # A column's type -------------------------------------------------------------------------------
    "type-under-view": keeps(
        f"CREATE TABLE t (a integer); {NUMBERS}; CREATE VIEW v AS SELECT a + 1 AS x FROM t;"
        "CREATE VIEW w AS SELECT x FROM v",
        "DROP VIEW v CASCADE; ALTER TABLE t ALTER a TYPE bigint;"
        "CREATE VIEW v AS SELECT a + 1 AS x FROM t; CREATE VIEW w AS SELECT x FROM v",
        "SELECT a FROM t ORDER BY a",
        has="ALTER COLUMN a TYPE bigint",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-under-index-default-check": keeps(
        f"CREATE TABLE t (a integer DEFAULT 7 CHECK (a < 100)); {NUMBERS}; CREATE INDEX t_a ON t (a) WHERE a > 2;"
        "CREATE STATISTICS t_s ON a, (a % 2) FROM t",
        "ALTER TABLE t ALTER a DROP DEFAULT; ALTER TABLE t ALTER a TYPE numeric(9, 2);"
        "ALTER TABLE t ALTER a SET DEFAULT 7.5",
        "SELECT a::integer FROM t ORDER BY a",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-under-generated": keeps(
        f"CREATE TABLE t (a integer, g integer GENERATED ALWAYS AS (a * 2) STORED); {NUMBERS};"
        "CREATE INDEX t_g ON t (g)",
        "ALTER TABLE t DROP COLUMN g; ALTER TABLE t ALTER a TYPE bigint;"
        "ALTER TABLE t ADD g bigint GENERATED ALWAYS AS (a * 2) STORED; CREATE INDEX t_g ON t (g)",
        "SELECT a::bigint, g::bigint FROM t ORDER BY a",
        hasnt="DROP TABLE|DROP COLUMN a",
    ),
    "type-under-policy-rule-trigger": keeps(
        f"CREATE TABLE t (a integer); {NUMBERS}; CREATE POLICY p ON t USING (a > 0);"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "CREATE TABLE log (a bigint); CREATE RULE r AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (old.a);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
        "CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (old.a <> new.a) EXECUTE FUNCTION f()",
        "DROP POLICY p ON t; DROP RULE r ON t; DROP TRIGGER g ON t; ALTER TABLE t ALTER a TYPE bigint;"
        "CREATE POLICY p ON t USING (a > 0); CREATE RULE r AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (old.a);"
        "CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (old.a <> new.a) EXECUTE FUNCTION f()",
        "SELECT a::bigint FROM t ORDER BY a",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-under-foreign-key": keeps(
        f"CREATE TABLE t (a integer PRIMARY KEY); {NUMBERS};"
        "CREATE TABLE u (a integer REFERENCES t ON DELETE CASCADE); INSERT INTO u TABLE t",
        "ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE u ALTER a TYPE bigint",
        "SELECT u.a::bigint FROM t JOIN u ON t.a = u.a ORDER BY 1",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-by-way-of-text": keeps(
        "CREATE TABLE t (a text); INSERT INTO t VALUES ('1'), ('22'), (NULL)",
        "ALTER TABLE t ALTER a TYPE integer USING a::integer",
        "SELECT a::text FROM t ORDER BY 1",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-of-partitions": keeps(
        "CREATE TABLE t (a integer, k text) PARTITION BY LIST (k); CREATE TABLE t_x PARTITION OF t FOR VALUES IN ('x');"
        "CREATE TABLE t_rest PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 'x'), (2, 'y');"
        "CREATE INDEX t_a ON t (a)",
        "ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE t ADD UNIQUE (a, k)",
        "SELECT tableoid::regclass::text, a::bigint, k FROM t ORDER BY a",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "type-of-an-attribute": keeps(
        "CREATE TYPE c AS (x integer, y text); CREATE TABLE t (id integer, a c); INSERT INTO t VALUES (1, ROW(1, 'y'))",
        "ALTER TYPE c ADD ATTRIBUTE z boolean",
        "SELECT id, (a).x, (a).y FROM t",
        has="ADD ATTRIBUTE z",
    ),
    "type-without-attributes": keeps(
        "CREATE TYPE c AS (x integer); CREATE TYPE n AS (); CREATE TABLE t (id integer); INSERT INTO t VALUES (1)",
        "ALTER TYPE c DROP ATTRIBUTE x; ALTER TYPE n ADD ATTRIBUTE y text",
        "SELECT id FROM t",
        has="ADD ATTRIBUTE y",
    ),
    "domain-in-use": keeps(
        "CREATE DOMAIN d AS integer CHECK (VALUE > 0); CREATE TABLE t (a d); INSERT INTO t VALUES (1), (2);"
        "CREATE VIEW v AS SELECT a FROM t",
        "ALTER DOMAIN d DROP CONSTRAINT d_check; ALTER DOMAIN d ADD CHECK (VALUE >= 0); ALTER DOMAIN d SET DEFAULT 5",
        "SELECT a::integer FROM t ORDER BY 1",
        hasnt="DROP TABLE|DROP COLUMN|DROP DOMAIN",
    ),
    "base-type-of-a-domain": keeps(
        "CREATE DOMAIN d AS integer; CREATE TABLE t (a d, b d[]); INSERT INTO t VALUES (1, '{1,2}')",
        "ALTER TABLE t ALTER a TYPE integer, ALTER b TYPE integer[]; DROP DOMAIN d; CREATE DOMAIN d AS bigint;"
        "ALTER TABLE t ALTER a TYPE d, ALTER b TYPE d[]",
        "SELECT a::integer, b::text FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "collation": keeps(
        "CREATE TABLE t (a text); INSERT INTO t VALUES ('b'), ('A'); CREATE INDEX t_a ON t (a);"
        "CREATE VIEW v AS SELECT a FROM t",
        'DROP VIEW v; ALTER TABLE t ALTER a TYPE text COLLATE "POSIX"; CREATE VIEW v AS SELECT a FROM t',
        'SELECT a FROM t ORDER BY a COLLATE "C"',
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    # Enums -----------------------------------------------------------------------------------------
    "enum-grows": keeps(
        "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE t (a mood); INSERT INTO t VALUES ('happy'), ('sad');"
        "CREATE INDEX t_a ON t (a); CREATE VIEW v AS SELECT a FROM t WHERE a > 'sad'",
        "ALTER TYPE mood ADD VALUE 'ok' BEFORE 'happy'; ALTER TYPE mood ADD VALUE 'so sad' BEFORE 'sad';"
        "ALTER TYPE mood ADD VALUE 'glad'",
        "SELECT a::text FROM t ORDER BY a",
        has="ADD VALUE 'ok'",
        hasnt="DROP TYPE",
    ),
    "enum-grows-and-is-used": keeps(
        "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE t (a mood DEFAULT 'sad');"
        "INSERT INTO t VALUES ('happy'), ('sad');"
        "CREATE VIEW v AS SELECT a FROM t",
        "ALTER TYPE mood ADD VALUE 'ok';;ALTER TABLE t ALTER a SET DEFAULT 'ok';"
        "CREATE TABLE u (b mood CHECK (b <> 'ok'))",
        "SELECT a::text FROM t ORDER BY a",
        hasnt="ADD VALUE|DROP TABLE|DROP COLUMN",
    ),
    "enum-label-renamed": keeps(
        "CREATE TYPE mood AS ENUM ('sad', 'it''s'); CREATE TABLE t (a mood DEFAULT 'it''s');"
        "INSERT INTO t VALUES ('it''s'), ('sad')",
        "ALTER TYPE mood RENAME VALUE 'it''s' TO 'was'",
        "SELECT a = 'sad' FROM t ORDER BY a",
        has="RENAME VALUE 'it''s' TO 'was'",
        hasnt="DROP",
    ),
    # Constraints -----------------------------------------------------------------------------------
    "validated": keeps(
        f"CREATE TABLE t (a integer); {NUMBERS}; CREATE TABLE u (a integer UNIQUE); INSERT INTO u TABLE t;"
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (a) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t VALIDATE CONSTRAINT f",
        "SELECT a FROM t ORDER BY a",
        has="(?s)VALIDATE CONSTRAINT c.*VALIDATE CONSTRAINT f",
        hasnt="DROP",
    ),
    "foreign-keys-in-a-circle": keeps(
        "CREATE TABLE a (id integer PRIMARY KEY, b integer); INSERT INTO a VALUES (1, NULL)",
        "CREATE TABLE b (id integer PRIMARY KEY, c integer); CREATE TABLE c (id integer PRIMARY KEY REFERENCES a);"
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;"
        "ALTER TABLE b ADD FOREIGN KEY (c) REFERENCES c;"
        "ALTER TABLE c ADD self integer REFERENCES c",
        "SELECT * FROM a",
    ),
    "constraint-kinds": keeps(
        "CREATE TABLE t (a integer, b integer, r int4range); INSERT INTO t VALUES (1, 2, '[1,2]')",
        "ALTER TABLE t ADD PRIMARY KEY (b, a) INCLUDE (r);"
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE;"
        "ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&); ALTER TABLE t REPLICA IDENTITY FULL;"
        "ALTER TABLE t CLUSTER ON t_pkey",
        "SELECT * FROM t",
    ),
    "constraint-another": keeps(
        "CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0)); INSERT INTO t VALUES (1)",
        "ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c CHECK (a > -1) NO INHERIT",
        "SELECT a FROM t",
        has="DROP CONSTRAINT c",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "key-under-group-by": keeps(
        "CREATE TABLE t (a integer PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE TABLE u (a integer REFERENCES t);"
        "CREATE VIEW v AS SELECT a, b, count(*) FROM t GROUP BY a",
        "DROP VIEW v; ALTER TABLE u DROP CONSTRAINT u_a_fkey; ALTER TABLE t DROP CONSTRAINT t_pkey;"
        "ALTER TABLE t ADD CONSTRAINT other PRIMARY KEY (a);"
        "ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES t; CREATE VIEW v AS SELECT a, b, count(*) FROM t GROUP BY a",
        "SELECT * FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "key-and-its-column-renamed-under-function": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE TABLE r (a integer CONSTRAINT f REFERENCES t); INSERT INTO r VALUES (1);"
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM t; END",
        "ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME CONSTRAINT k TO l; ALTER TABLE r RENAME CONSTRAINT f TO g;"
        "ALTER FUNCTION f SECURITY DEFINER",
        "SELECT f(), r FROM r",
        has="RENAME CONSTRAINT k TO l",
        hasnt="DROP",
    ),
    "another-key-under-function": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b integer NOT NULL); INSERT INTO t VALUES (1, 1);"
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END",
        "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT l PRIMARY KEY (b), ALTER a SET NOT NULL;"
        "ALTER FUNCTION f STABLE",
        "SELECT f()",
        hasnt="DROP TABLE|DROP COLUMN|DROP FUNCTION",
    ),
    "the-same-key-of-another-column-under-function": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b integer NOT NULL); INSERT INTO t VALUES (1, 1);"
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END",
        "ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k PRIMARY KEY (b), ALTER a SET NOT NULL;"
        "ALTER FUNCTION f STABLE",
        "SELECT f()",
        hasnt="DROP TABLE|DROP COLUMN|DROP FUNCTION",
    ),
    "key-under-grouped-function": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t GROUP BY a; END",
        "DROP FUNCTION f; ALTER TABLE t DROP CONSTRAINT k; ALTER TABLE t ADD CONSTRAINT l PRIMARY KEY (a) INCLUDE (b);"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t GROUP BY a; END",
        "SELECT f()",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "key-under-grouped-function-that-changes": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t GROUP BY a; END",
        "DROP FUNCTION f; ALTER TABLE t DROP CONSTRAINT k; ALTER TABLE t ADD CONSTRAINT l PRIMARY KEY (a) INCLUDE (b);"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT b FROM t GROUP BY a, t.a; END",
        "SELECT f()",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "key-under-what-else-names-it": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE TABLE u (a integer);"
        "CREATE RULE r AS ON INSERT TO u DO ALSO INSERT INTO t VALUES (new.a, 'y') ON CONFLICT ON CONSTRAINT"
        " k DO NOTHING;"
        "CREATE PROCEDURE c() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (2) ON CONFLICT ON CONSTRAINT k"
        " DO NOTHING; END;"
        "CREATE POLICY p ON u USING (EXISTS (SELECT b FROM t GROUP BY a))",
        "DROP RULE r ON u; DROP PROCEDURE c; DROP POLICY p ON u; ALTER TABLE t DROP CONSTRAINT k;"
        "ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a) INCLUDE (b);"
        "CREATE RULE r AS ON INSERT TO u DO ALSO INSERT INTO t VALUES (new.a, 'y') ON CONFLICT ON CONSTRAINT"
        " k DO NOTHING;"
        "CREATE PROCEDURE c() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (2) ON CONFLICT ON CONSTRAINT k"
        " DO NOTHING; END;"
        "CREATE POLICY p ON u USING (EXISTS (SELECT b FROM t GROUP BY a))",
        "SELECT * FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "grouped-function-without-the-key": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t GROUP BY a; END",
        "CREATE OR REPLACE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t; END;"
        "ALTER TABLE t DROP CONSTRAINT k, ALTER a SET NOT NULL",
        "SELECT f()",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "written-anew-with-a-column's-new-name": keeps(
        "CREATE TABLE r (a integer, b integer); INSERT INTO r VALUES (1, 2);"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT a FROM r WHERE a > 0; END;"
        "CREATE VIEW w AS SELECT f.c FROM (SELECT a, b FROM r) f (c, d)",
        "ALTER TABLE r RENAME a TO z;"
        "CREATE OR REPLACE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT z FROM r"
        " WHERE z > 0; END;"
        "CREATE OR REPLACE VIEW w AS SELECT f.c FROM (SELECT z, b FROM r) f (c, d)",
        "SELECT f(), c FROM w",
        has="RENAME COLUMN a TO z",
    ),
    "what-follows-a-column's-new-name": keeps(
        "CREATE TABLE r (a integer CHECK (a > 0), b integer, d text DEFAULT 'a' CHECK (d <> 'a1'), PRIMARY KEY (a, b),"
        " g integer GENERATED ALWAYS AS (a + 1) STORED); INSERT INTO r VALUES (1, 2, 'x');"
        "CREATE TABLE k (a integer, b integer, FOREIGN KEY (a, b) REFERENCES r); INSERT INTO k VALUES (1, 2);"
        "CREATE INDEX i ON r (a) WHERE d <> 'a'; CREATE STATISTICS s ON a, b FROM r;"
        "CREATE VIEW v AS SELECT a, b FROM r;"
        "CREATE MATERIALIZED VIEW m AS SELECT r.a, k.b FROM r JOIN k USING (a); CREATE VIEW w AS SELECT a FROM m;"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT a FROM r; END;"
        "CREATE POLICY p ON k USING ((SELECT max(a) FROM r) > a); CREATE RULE u AS ON DELETE TO k DO ALSO"
        " UPDATE r SET a = old.a;"
        "CREATE TRIGGER t BEFORE UPDATE OF a ON r FOR EACH ROW WHEN (new.a > 0 AND new.d <> 'a')"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "ALTER TABLE r RENAME a TO z; ALTER TABLE r RENAME b TO y",
        "SELECT f(), v.a, w.a FROM v, w",
        has="RENAME COLUMN a TO z",
        hasnt="DROP|CREATE|ADD",
    ),
    "one-column-for-another-in-one-command": Change(
        "CREATE TABLE t (a integer, b serial, CONSTRAINT c CHECK (b > 0)); CREATE TABLE u () INHERITS (t)",
        "ALTER TABLE t ADD z interval, DROP b, ADD CONSTRAINT d CHECK (a > 0)",
        has="DROP COLUMN b",
        hasnt="RENAME",
    ),
    "one-column-for-another-of-its-type": Change(
        "CREATE TABLE t (a integer, b integer DEFAULT 1, CONSTRAINT c CHECK (b > 0)); CREATE TABLE u () INHERITS (t)",
        "ALTER TABLE t ADD z integer DEFAULT 2, DROP b, ADD CONSTRAINT d CHECK (a > 0)",
    ),
    "column-renamed-and-made-anew-under-function": Change(
        "CREATE TABLE r (a integer, b integer GENERATED ALWAYS AS (a + 1) STORED); INSERT INTO r VALUES (1);"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT b FROM r; END;"
        "CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM r WHERE b > 0; END",
        "DROP FUNCTION f; DROP PROCEDURE p; ALTER TABLE r RENAME b TO y; ALTER TABLE r DROP y;"
        "ALTER TABLE r ADD y integer GENERATED ALWAYS AS (a + 2) STORED;"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT y FROM r; END;"
        "CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM r WHERE a > 0; END",
    ),
    "column-renamed-and-of-another-type-under-function": keeps(
        "CREATE TABLE r (a integer, b integer); INSERT INTO r VALUES (1, 2);"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT a::integer FROM r; END",
        "DROP FUNCTION f; ALTER TABLE r RENAME a TO z; ALTER TABLE r ALTER z TYPE bigint;"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT z::integer FROM r; END",
        "SELECT f(), b FROM r",
        has="RENAME COLUMN a TO z",
    ),
    "constants-are-no-names": keeps(
        """CREATE TABLE "t'1" (a integer); CREATE SCHEMA "s'1"; CREATE TABLE t (a integer); CREATE SEQUENCE q;"""
        "CREATE VIEW v AS SELECT 'public.t'::text AS l FROM t;"
        """CREATE TABLE o (a integer, d text DEFAULT 'public."t''1"', e text DEFAULT '"s''1".x', f text"""
        """ DEFAULT 'public.t',"""
        """ g text DEFAULT 'public.q'); INSERT INTO o VALUES (1)""",
        """ALTER TABLE "t'1" RENAME TO u; ALTER SCHEMA "s'1" RENAME TO q; ALTER TABLE t RENAME TO w;"""
        "CREATE OR REPLACE VIEW v AS SELECT 'public.w'::text AS l FROM w;"
        "ALTER SEQUENCE q RENAME TO z; ALTER TABLE o ALTER d SET DEFAULT 'public.u', ALTER e SET DEFAULT 'q.x';"
        "ALTER TABLE o ALTER f SET DEFAULT 'public.w', ALTER g SET DEFAULT 'public.z'",
        "SELECT a FROM o",
        has="RENAME TO w",
    ),
    "words-that-are-no-columns": keeps(
        "CREATE TABLE t (date integer, b varchar, CONSTRAINT c CHECK (b::date IS NOT NULL), year integer,"
        " d date, g numeric GENERATED ALWAYS AS (extract(year FROM d)) STORED, btree integer, \"C\" integer);"
        "CREATE INDEX i ON t USING btree (b); CREATE INDEX j ON t (b COLLATE \"C\");"
        "INSERT INTO t VALUES (1, '2026-01-01')",
        "ALTER TABLE t RENAME date TO text;"
        "ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (b::text IS NOT NULL);"
        "ALTER TABLE t RENAME year TO month; ALTER TABLE t DROP g;"
        "ALTER TABLE t ADD g numeric GENERATED ALWAYS AS (extract(month FROM d)) STORED;"
        "ALTER TABLE t RENAME btree TO hash; DROP INDEX i; CREATE INDEX i ON t USING hash (b);"
        "ALTER TABLE t RENAME \"C\" TO \"POSIX\"; DROP INDEX j; CREATE INDEX j ON t (b COLLATE \"POSIX\")",
        "SELECT b FROM t",
        has="RENAME COLUMN date TO text",
    ),
    "body-in-sql-with-a-line-like-a-texts": keeps(
        "CREATE TABLE t (a integer CONSTRAINT k PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT b || E'\\nAS ' FROM t GROUP BY a; END",
        "DROP FUNCTION f; ALTER TABLE t DROP CONSTRAINT k; ALTER TABLE t ADD CONSTRAINT l PRIMARY KEY (a) INCLUDE (b);"
        "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME b TO c;"
        "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT c || E'\\nAS ' FROM u GROUP BY a; END",
        "SELECT f()",
    ),
    "what-a-key-does-names-its-own-columns": keeps(
        "CREATE TABLE r (a integer, b integer, PRIMARY KEY (a, b)); INSERT INTO r VALUES (1, 2);"
        "CREATE TABLE k (a integer, b integer, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES r ON DELETE SET NULL (a));"
        "INSERT INTO k VALUES (1, 2)",
        "ALTER TABLE k RENAME CONSTRAINT f TO g; ALTER TABLE k RENAME a TO z",
        "SELECT b FROM k",
        hasnt="DROP|ADD",
    ),
    "index-in-the-way-of-one-that-comes-along": Change(
        "CREATE TABLE a (a integer, b serial); CREATE INDEX i ON a (a); CREATE TABLE o (a integer); CREATE SCHEMA s",
        "ALTER TABLE a SET SCHEMA s; CREATE INDEX i ON o (a)",
    ),
    "sequence-in-the-way-of-one-that-comes-along": Change(
        "CREATE TABLE a (a integer, b serial, c integer GENERATED ALWAYS AS IDENTITY); CREATE SCHEMA s",
        "ALTER TABLE a SET SCHEMA s; CREATE SEQUENCE a_b_seq; CREATE TABLE a_c_seq ()",
    ),
    "name-of-one-column-taken-by-another-on-the-way": keeps(
        "CREATE TABLE t (id integer, a integer); INSERT INTO t VALUES (1, 2)",
        "ALTER TABLE t RENAME a TO tmp; ALTER TABLE t DROP tmp; ALTER TABLE t ADD tmp text;"
        "ALTER TABLE t RENAME tmp TO b;"
        "UPDATE t SET b = 'x'",
        "SELECT id FROM t",
        has="ADD COLUMN b text",
    ),
    "one-name-for-two-columns-on-the-way": keeps(
        "CREATE TABLE t (first text, last text); INSERT INTO t VALUES ('1', '2')",
        "ALTER TABLE t RENAME last TO name; ALTER TABLE t RENAME name TO last; ALTER TABLE t RENAME first TO name;"
        "ALTER TABLE t RENAME name TO first_name; ALTER TABLE t RENAME last TO last_name",
        "SELECT first, last FROM t",
        "SELECT first_name, last_name FROM t",
        hasnt="DROP",
    ),
    "columns-that-exchanged-their-names-and-got-others": keeps(
        "CREATE TABLE t (id integer, a text, x integer); INSERT INTO t VALUES (1, 'k', 2)",
        "ALTER TABLE t RENAME a TO tmp; ALTER TABLE t RENAME x TO a; ALTER TABLE t RENAME tmp TO x;"
        "ALTER TABLE t RENAME a TO b; ALTER TABLE t RENAME x TO y",
        "SELECT a, x FROM t",
        "SELECT y, b FROM t",
        hasnt="DROP",
    ),
    "types-are-in-no-index-s-way": keeps(
        "CREATE SCHEMA s; CREATE TYPE s.kind AS ENUM ('a'); CREATE DOMAIN s.d AS integer;"
        "CREATE TABLE t (a integer CONSTRAINT d PRIMARY KEY); CREATE INDEX kind ON t (a); INSERT INTO t VALUES (1)",
        "ALTER TYPE s.kind ADD VALUE 'b';; ALTER DOMAIN s.d SET DEFAULT 1; ALTER TABLE t SET SCHEMA s",
        "SELECT a FROM t",
        "SELECT a FROM s.t",
        hasnt="DROP TABLE",
    ),
    "attribute-with-a-quote-beside-a-renamed-type": Change(
        "CREATE TYPE e AS ENUM ('a'); CREATE TYPE c AS (x integer, y e, \"it's\" integer);"
        "CREATE TABLE t (a integer, b c)",
        "ALTER TYPE e RENAME TO f; ALTER TYPE c DROP ATTRIBUTE x",
    ),
    "schema-like-a-name-of-names": keeps(
        "CREATE SCHEMA regional; CREATE TYPE regional.kind AS ENUM ('public.t', 'public.u');"
        "CREATE TABLE t (a integer);"
        "CREATE TABLE o (a integer, k regional.kind DEFAULT 'public.t'); INSERT INTO o VALUES (1)",
        "ALTER TABLE t RENAME TO u; ALTER TABLE o ALTER k SET DEFAULT 'public.u'",
        "SELECT a FROM o",
        has="SET DEFAULT",
    ),
    "the-same-script-though-history-learns-of-it": keeps(
        "CREATE TABLE r (a integer, b integer, PRIMARY KEY (a, b)); CREATE VIEW v AS SELECT a, b FROM r;"
        "CREATE TABLE k (a integer, b integer, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES r ON DELETE SET NULL (a));"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT r.a FROM r; END",
        "DROP VIEW v; DROP FUNCTION f; ALTER TABLE r RENAME a TO z; CREATE VIEW v AS SELECT z AS a, b FROM r;"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT r.z AS a FROM r; END",
        "SELECT count(*) FROM r",
        has="RENAME COLUMN a TO z",
    ),
    "column-renamed-twice": keeps(
        "CREATE TABLE r (a integer, b integer, c integer); INSERT INTO r VALUES (1, 2, 3);"
        "CREATE VIEW v AS SELECT a, b FROM r",
        "ALTER TABLE r RENAME a TO x; ALTER TABLE r RENAME x TO z; ALTER TABLE r RENAME b TO y;"
        "ALTER TABLE r RENAME c TO b;"
        "ALTER TABLE r RENAME y TO c",
        "SELECT a FROM v",
        has="RENAME COLUMN a TO z",
    ),
    "literals-and-functions-are-no-columns": keeps(
        "CREATE SCHEMA a; CREATE FUNCTION a.a(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
        "CREATE SCHEMA z; CREATE FUNCTION z.z(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
        "CREATE TABLE r (a text, b text DEFAULT 'a', CONSTRAINT c CHECK (b <> 'it''s a b'), CONSTRAINT q"
        " CHECK (a <> 'a'),"
        " CONSTRAINT h CHECK (a.a(a)));"
        "INSERT INTO r VALUES ('x', 'y'); CREATE INDEX i ON r (b) WHERE a <> 'a'",
        "ALTER TABLE r RENAME a TO z; ALTER TABLE r DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (b <> 'it''s z b');"
        "ALTER TABLE r DROP CONSTRAINT h, ADD CONSTRAINT h CHECK (z.z(z));"
        "ALTER TABLE r ALTER b SET DEFAULT 'z'; DROP INDEX i; CREATE INDEX i ON r (b) WHERE z <> 'z'",
        "SELECT b FROM r",
        has="RENAME COLUMN a TO z",
        hasnt="CONSTRAINT q",
    ),
    "column-of-one-table-renamed-where-another-has-both-names": keeps(
        "CREATE TABLE t (a integer, b integer); INSERT INTO t VALUES (1, 2); CREATE SCHEMA s;"
        "CREATE TABLE r (a integer CHECK (a < 9), z integer, c integer GENERATED ALWAYS AS (a) STORED, UNIQUE (a));"
        "INSERT INTO r VALUES (1, 2); CREATE INDEX i ON r (a); CREATE INDEX j ON t (b) WHERE a > 0;"
        "CREATE VIEW v AS SELECT a FROM r; CREATE STATISTICS st ON (a + 1) FROM r;"
        "CREATE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT a FROM r; END;"
        "CREATE POLICY p ON r USING (a > 1)",
        "ALTER TABLE t RENAME a TO z; ALTER TABLE r DROP CONSTRAINT r_a_check, ADD CONSTRAINT r_a_check CHECK (z < 9);"
        "ALTER TABLE r DROP c, ADD c integer GENERATED ALWAYS AS (z) STORED;"
        "ALTER TABLE r DROP CONSTRAINT r_a_key, ADD CONSTRAINT r_a_key UNIQUE (z); DROP INDEX i;"
        "CREATE INDEX i ON r (z);"
        "DROP VIEW v; CREATE VIEW v AS SELECT z FROM r; DROP STATISTICS st; CREATE STATISTICS st ON (z + 1) FROM r;"
        "CREATE OR REPLACE FUNCTION f() RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT z FROM r; END;"
        "DROP POLICY p ON r; CREATE POLICY p ON r USING (z > 1)",
        "SELECT a, z FROM r",
    ),
    # Sequences -------------------------------------------------------------------------------------
    "identity-options": keeps(
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY, b text); INSERT INTO t (b) VALUES ('x'), ('y')",
        "ALTER TABLE t ALTER a SET GENERATED BY DEFAULT SET INCREMENT 5 SET MAXVALUE 1000 SET CYCLE",
        "SELECT * FROM t ORDER BY a",
        hasnt="DROP|ADD GENERATED",
    ),
    "identity-comes": keeps(
        "CREATE TABLE t (a integer NOT NULL, b text); INSERT INTO t VALUES (1, 'x')",
        "ALTER TABLE t ALTER a ADD GENERATED BY DEFAULT AS IDENTITY (START 10)",
        "SELECT * FROM t",
        hasnt="DROP",
    ),
    "serial": keeps(
        "CREATE TABLE t (a serial PRIMARY KEY, b text); INSERT INTO t (b) VALUES ('x'), ('y')",
        "ALTER TABLE t ALTER a TYPE bigint; ALTER SEQUENCE t_a_seq AS bigint INCREMENT 2 CACHE 5",
        "SELECT a::bigint, b, (SELECT last_value FROM t_a_seq) FROM t ORDER BY a",
        hasnt="DROP SEQUENCE|DROP TABLE",
    ),
    "ownership": keeps(
        "CREATE SEQUENCE s START 5; SELECT nextval('s'); CREATE TABLE t (a integer DEFAULT nextval('s'));"
        "INSERT INTO t DEFAULT VALUES",
        "ALTER SEQUENCE s OWNED BY t.a; ALTER TABLE t ADD b integer; CREATE SEQUENCE free OWNED BY t.b",
        "SELECT t.a, s.last_value FROM t, s",
        hasnt="DROP SEQUENCE",
    ),
    "identity-gets-a-parent": keeps(
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY, b text); INSERT INTO t (b) VALUES ('x');"
        "CREATE TABLE p (a integer, b text DEFAULT 'p')",
        "ALTER TABLE t INHERIT p",
        "SELECT * FROM t",
        hasnt="DROP TABLE|DROP COLUMN|a DROP DEFAULT",
    ),
    "identity-where-a-parent-has-a-default": Change(
        "CREATE TABLE p (a integer NOT NULL DEFAULT 7)",
        "CREATE TABLE t () INHERITS (p); ALTER TABLE t ALTER a DROP DEFAULT;"
        "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY",
    ),
    "owner-of-a-serial-with-rights": Change(
        "CREATE TABLE t (a serial); GRANT USAGE ON SEQUENCE t_a_seq TO PUBLIC",
        "GRANT USAGE ON SEQUENCE t_a_seq TO diff_role WITH GRANT OPTION; ALTER TABLE t OWNER TO diff_role",
    ),
    "serial-to-identity": keeps(
        "CREATE TABLE t (a serial, b text); INSERT INTO t (b) VALUES ('x')",
        "ALTER TABLE t ALTER a DROP DEFAULT; DROP SEQUENCE t_a_seq;"
        "ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY",
        "SELECT * FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    # Functions -------------------------------------------------------------------------------------
    "signature-with-dependents": keeps(
        "CREATE FUNCTION f(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';"
        f"CREATE TABLE t (a integer DEFAULT f(1) CHECK (f(a) > 0)); {NUMBERS}; CREATE INDEX t_f ON t (f(a));"
        "CREATE VIEW v AS SELECT f(a) AS b FROM t",
        "DROP FUNCTION f(integer) CASCADE;"
        "CREATE FUNCTION f(x integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';"
        "ALTER TABLE t ALTER a SET DEFAULT f(1)::integer; ALTER TABLE t ADD CHECK (f(a) > 0);"
        "CREATE INDEX t_f ON t (f(a));"
        "CREATE VIEW v AS SELECT f(a) AS b FROM t",
        "SELECT a FROM t ORDER BY a",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "another-argument": Change(
        "CREATE FUNCTION f(a integer, b text DEFAULT 'x') RETURNS text LANGUAGE sql AS 'SELECT b';"
        "CREATE VIEW v AS SELECT f(1)",
        "DROP FUNCTION f CASCADE; CREATE FUNCTION f(a integer, b text DEFAULT 'x', VARIADIC c text[] DEFAULT '{}')"
        " RETURNS text LANGUAGE sql AS 'SELECT b'; CREATE VIEW v AS SELECT f(1)",
    ),
    "body-only": Change(
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT f()",
        "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE COST 7 SET work_mem = '1MB'"
        " AS $$SELECT '$1'::text <> 'x' AND 2 > 1 IS NOT NULL; SELECT 2$$",
        hasnt="DROP",
    ),
    "functions-in-a-circle": Change(
        "SELECT 1",
        "CREATE FUNCTION g(integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN f($1); END';"
        "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN g($1); END';"
        "CREATE TABLE t (a integer DEFAULT g(1)); CREATE FUNCTION r(t) RETURNS SETOF t LANGUAGE sql AS 'SELECT $1';"
        "CREATE FUNCTION body() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT count(*)::integer FROM t; END;"
        "CREATE VIEW v AS SELECT r.a, body() FROM t, r(t)",
    ),
    "aggregate-and-procedure": Change(
        "CREATE FUNCTION s(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';"
        "CREATE AGGREGATE agg(text) (SFUNC = s, STYPE = text);"
        "CREATE VIEW v AS SELECT agg('x')",
        "DROP AGGREGATE agg(text) CASCADE; CREATE AGGREGATE agg(text) (SFUNC = s, STYPE = text, INITCOND = '!');"
        "CREATE VIEW v AS SELECT agg('x');"
        "CREATE PROCEDURE p(INOUT a integer) LANGUAGE plpgsql AS 'BEGIN a := 1; END'",
    ),
    # Views -----------------------------------------------------------------------------------------
    "views-on-views": keeps(
        f"CREATE TABLE t (a integer); {NUMBERS}",
        "CREATE VIEW z AS SELECT a FROM t; CREATE VIEW y AS SELECT a FROM z;"
        "CREATE VIEW x AS SELECT y.a FROM y JOIN z USING (a);"
        "CREATE MATERIALIZED VIEW w AS SELECT a FROM x; CREATE UNIQUE INDEX w_a ON w (a);"
        "CREATE FUNCTION f() RETURNS SETOF x LANGUAGE sql AS 'SELECT * FROM x'; CREATE VIEW a AS SELECT * FROM f()",
        "SELECT a FROM t ORDER BY a",
        hasnt="DROP",
    ),
    "view-loses-a-column": Change(
        "CREATE TABLE t (a integer, b text); CREATE VIEW v WITH (security_barrier) AS SELECT a, b FROM t;"
        "CREATE VIEW w AS SELECT a FROM v;"
        "COMMENT ON COLUMN v.a IS 'a'; GRANT SELECT (a) ON v TO PUBLIC; ALTER VIEW v ALTER a SET DEFAULT 4",
        "DROP VIEW v CASCADE; CREATE VIEW v AS SELECT a FROM t WITH CHECK OPTION; CREATE VIEW w AS SELECT a FROM v",
    ),
    "materialized": keeps(
        f"CREATE TABLE t (a integer); {NUMBERS}; CREATE MATERIALIZED VIEW m AS SELECT a FROM t;"
        "CREATE UNIQUE INDEX m_a ON m (a);"
        "CREATE VIEW v AS SELECT a FROM m; CREATE MATERIALIZED VIEW empty AS SELECT a FROM m WITH NO DATA",
        "DROP MATERIALIZED VIEW m CASCADE; CREATE MATERIALIZED VIEW m AS SELECT a, 1 AS one FROM t;"
        "CREATE VIEW v AS SELECT a FROM m;"
        "CREATE MATERIALIZED VIEW empty AS SELECT a FROM m WITH NO DATA",
        "SELECT a FROM m ORDER BY a",
    ),
    # Renames: nothing but the name changes, and the rows stay ---------------------------------------
    "rename-table": keeps(
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b integer CHECK (b > 0));"
        "INSERT INTO t (b) VALUES (4), (5);"
        "CREATE TABLE u (a integer REFERENCES t); CREATE VIEW v AS SELECT b FROM t; CREATE INDEX t_b ON t (b)",
        "ALTER TABLE t RENAME TO \"T.2\"",
        "SELECT * FROM t ORDER BY a",
        'SELECT * FROM "T.2" ORDER BY a',
        hasnt="DROP [^V]",  # 15 writes the table's name into the view's text
    ),
    "rename-column": keeps(
        "CREATE TABLE t (a integer PRIMARY KEY, b integer CHECK (b > 0)); INSERT INTO t VALUES (1, 2);"
        "CREATE INDEX t_b ON t (b) WHERE b > 1;"
        "CREATE VIEW v AS SELECT b FROM t",
        'ALTER TABLE t RENAME b TO "B.b"',
        "SELECT a, b FROM t",
        'SELECT a, "B.b" FROM t',
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "rename-column-of-parent": keeps(
        "CREATE TABLE t (a integer, b text) PARTITION BY RANGE (a);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (9);"
        "INSERT INTO t VALUES (1, 'x'); CREATE INDEX t_b ON t (b)",
        "ALTER TABLE t RENAME b TO c; ALTER TABLE t RENAME a TO key",
        "SELECT a, b FROM t",
        "SELECT key, c FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "rename-types": keeps(
        "CREATE TYPE e AS ENUM ('x', 'y'); CREATE DOMAIN d AS integer; CREATE TYPE c AS (i integer);"
        "CREATE TABLE t (e e, d d, c c, l e[]);"
        "INSERT INTO t VALUES ('x', 1, ROW(1), '{y}')",
        "ALTER TYPE e RENAME TO e2; ALTER DOMAIN d RENAME TO d2; ALTER TYPE c RENAME TO c2",
        "SELECT e::text, d::integer, c::text, l::text FROM t",
        hasnt="DROP",
    ),
    "rename-sequence": keeps(
        "CREATE SEQUENCE s; SELECT nextval('s'), nextval('s');"
        "CREATE TABLE t (a integer DEFAULT nextval('s'), b serial); INSERT INTO t DEFAULT VALUES",
        "ALTER SEQUENCE s RENAME TO numbers; ALTER SEQUENCE t_b_seq RENAME TO t_numbers",
        "SELECT t.a, t.b, s.last_value, t_b_seq.last_value FROM t, s, t_b_seq",
        "SELECT t.a, t.b, s.last_value, t_numbers.last_value FROM t, numbers s, t_numbers",
        hasnt="DROP",
    ),
    "rename-schema": keeps(
        'CREATE SCHEMA old; CREATE TABLE old.t (a serial, b text); INSERT INTO old.t (b) VALUES (\'x\');'
        'CREATE VIEW old.v AS SELECT a FROM old.t;'
        "CREATE TYPE old.e AS ENUM ('x'); CREATE TABLE old.u (e old.e DEFAULT 'x'); INSERT INTO old.u DEFAULT VALUES;"
        "CREATE FUNCTION old.f(old.e) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        'ALTER SCHEMA old RENAME TO "New one"',
        "SELECT t.a, t.b, u.e::text FROM old.t, old.u",
        'SELECT t.a, t.b, u.e::text FROM "New one".t, "New one".u',
        hasnt="DROP",
    ),
    "move-to-another-schema": keeps(
        "CREATE SCHEMA s; CREATE TABLE t (a serial PRIMARY KEY); INSERT INTO t VALUES (3);"
        "CREATE TYPE e AS ENUM ('x'); CREATE TABLE u (e e); INSERT INTO u VALUES ('x')",
        "ALTER TABLE t SET SCHEMA s; ALTER TYPE e SET SCHEMA s",
        "SELECT t.a, u.e::text FROM t, u",
        "SELECT t.a, u.e::text FROM s.t, u",
        hasnt="DROP TABLE|DROP TYPE",
    ),
    "rename-and-alter": keeps(
        "CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (1, 'x')",
        "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME a TO c;"
        "ALTER TABLE u ALTER c TYPE bigint, ADD CHECK (c > 0); ALTER TABLE u ADD d integer",
        "SELECT a::bigint, b FROM t",
        "SELECT c, b FROM u",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "rename-constraint-index-trigger": keeps(
        "CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0) CONSTRAINT k PRIMARY KEY); INSERT INTO t VALUES (1);"
        "CREATE INDEX i ON t (a)",
        "ALTER TABLE t RENAME CONSTRAINT c TO d; ALTER TABLE t RENAME CONSTRAINT k TO l; ALTER INDEX i RENAME TO j",
        "SELECT * FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    # Partitions and inheritance ----------------------------------------------------------------------
    "partition-attached": keeps(
        "CREATE TABLE p (a integer NOT NULL, b text) PARTITION BY RANGE (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE INDEX p_b ON p (b); CREATE TABLE t (a integer NOT NULL, b text); INSERT INTO t VALUES (11, 'x');"
        "INSERT INTO p VALUES (1, 'y')",
        "ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (10) TO (20); ALTER TABLE p DETACH PARTITION p1",
        "SELECT * FROM t UNION SELECT * FROM p1 ORDER BY 1",
        has="(?s)ATTACH PARTITION.*DETACH PARTITION|DETACH PARTITION.*ATTACH PARTITION",
        hasnt="DROP TABLE",
    ),
    "partition-of-partitions": keeps(
        "CREATE TABLE p (a integer, b text, PRIMARY KEY (a, b)) PARTITION BY HASH (a)",
        "CREATE TABLE q PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY LIST (b);"
        "CREATE TABLE r PARTITION OF q DEFAULT;"
        "CREATE TABLE s PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1); CREATE INDEX ON p (b);"
        "ALTER TABLE r ADD CHECK (a > 0)",
        "SELECT count(*) FROM p",
    ),
    "bounds-moved": keeps(
        "CREATE TABLE p (a integer) PARTITION BY RANGE (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p VALUES (5)",
        "ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (20)",
        "SELECT * FROM p",
        hasnt="DROP TABLE",
    ),
    "inheritance": keeps(
        "CREATE TABLE a (x integer NOT NULL); CREATE TABLE b (y text) INHERITS (a); INSERT INTO b VALUES (1, 'y')",
        "ALTER TABLE b NO INHERIT a; CREATE TABLE c (x integer); ALTER TABLE b INHERIT c; ALTER TABLE c ADD z integer",
        "SELECT x, y FROM b",
        hasnt="DROP TABLE",
    ),
    # Rights ------------------------------------------------------------------------------------------
    "default-privileges": Change(
        "CREATE TABLE before (a integer); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO diff_role;"
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
        "CREATE TABLE later (a integer); CREATE TABLE bare (a integer); REVOKE ALL ON bare FROM diff_role;"
        "CREATE FUNCTION g() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION h() RETURNS integer LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION h() TO PUBLIC;"
        "DROP TABLE before; DROP FUNCTION f",
    ),
    "grants": Change(
        "CREATE TABLE t (a integer, b text); GRANT SELECT, INSERT (a) ON t TO diff_role WITH GRANT OPTION;"
        "CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO PUBLIC",
        "REVOKE GRANT OPTION FOR SELECT ON t FROM diff_role; GRANT UPDATE (b) ON t TO PUBLIC;"
        "ALTER TABLE t OWNER TO diff_role; REVOKE INSERT ON t FROM diff_role;"
        "REVOKE USAGE ON SCHEMA s FROM PUBLIC; ALTER SCHEMA s OWNER TO diff_role",
        hasnt="DROP",
    ),
    "row-security": keeps(
        "CREATE TABLE t (a integer); INSERT INTO t VALUES (1); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY p ON t FOR SELECT TO diff_role USING (a > 0)",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY; ALTER POLICY p ON t TO PUBLIC; DROP POLICY p ON t;"
        "CREATE POLICY p ON t AS RESTRICTIVE FOR ALL USING (a > 1) WITH CHECK (a > 2)",
        "SELECT * FROM t",
        hasnt="DROP TABLE",
    ),
    # Names -------------------------------------------------------------------------------------------
    "odd-names": keeps(
        "".join(
            f"CREATE SCHEMA {n}; CREATE TABLE {n}.{n} ({n} integer CONSTRAINT {n} CHECK ({n} > 0));"
            f"INSERT INTO {n}.{n} VALUES (1);"
            for n in ODD
        ),
        "".join(
            f"CREATE VIEW {n}.v AS SELECT {n} FROM {n}.{n}; ALTER TABLE {n}.{n} ADD c integer;"
            f"CREATE INDEX i ON {n}.{n} ({n}, c);"
            f"COMMENT ON COLUMN {n}.{n}.{n} IS 'it''s \\ {n.replace(chr(39), '')}';"
            f"CREATE FUNCTION {n}.{n}({n} integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
            for n in ODD
        ),
        " UNION ALL ".join(f"SELECT {n} FROM {n}.{n}" for n in ODD),
    ),
    # And the rest ------------------------------------------------------------------------------------
    "table-options": keeps(
        "CREATE TABLE t (a integer, b text) WITH (fillfactor = 70); INSERT INTO t VALUES (1, 'x')",
        "ALTER TABLE t RESET (fillfactor); ALTER TABLE t SET (autovacuum_enabled = off);"
        "ALTER TABLE t ALTER b SET STORAGE EXTERNAL, ALTER b SET COMPRESSION pglz,"
        "ALTER a SET STATISTICS 50; ALTER TABLE t SET UNLOGGED; COMMENT ON TABLE t IS 'x';"
        "ALTER TABLE t ALTER a SET (n_distinct = 5)",
        "SELECT * FROM t",
        hasnt="DROP",
    ),
    "column-comes-and-goes": keeps(
        "CREATE TABLE t (a integer, b integer); INSERT INTO t (a) VALUES (1)",
        "ALTER TABLE t DROP b; ALTER TABLE t ADD c text;"
        "ALTER TABLE t ADD g integer GENERATED ALWAYS AS (a + 1) STORED; ALTER TABLE t ALTER a SET NOT NULL",
        "SELECT a FROM t",
        hasnt="DROP TABLE",
    ),
    "columns-of-views-renamed": keeps(
        "CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (1, 'x'); CREATE VIEW v AS SELECT a, b FROM t;"
        "CREATE VIEW w AS SELECT a FROM v;"
        "CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t; CREATE INDEX m_a ON m (a)",
        "ALTER VIEW v RENAME a TO c; ALTER VIEW w RENAME TO w2; ALTER MATERIALIZED VIEW m RENAME a TO d;"
        "ALTER MATERIALIZED VIEW m RENAME TO m2; ALTER TABLE t RENAME b TO e",
        "SELECT a FROM t",
    ),
    "row-types": keeps(
        "CREATE TABLE part (a integer, b text); CREATE TABLE t (id integer, p part, ps part[]);"
        "INSERT INTO t VALUES (1, ROW(1, 'x'), ARRAY[ROW(2, 'y')::part]);"
        "CREATE FUNCTION f(part) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';"
        "CREATE INDEX t_f ON t (f(p)); CREATE VIEW v AS SELECT p, f(p) FROM t",
        "ALTER TABLE part ADD c integer; ALTER TABLE part RENAME TO piece; CREATE TYPE made AS (x piece)",
        "SELECT id, (p).a, (p).b, (ps[1]).a FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "typed-table": Change(
        "CREATE TYPE c AS (a integer, b text); CREATE TABLE t OF c (PRIMARY KEY (a))",
        "ALTER TYPE c ADD ATTRIBUTE d date CASCADE; ALTER TABLE t ALTER b SET DEFAULT 'z'",
    ),
    "triggers": keeps(
        "CREATE TABLE t (a integer) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t DEFAULT;"
        "INSERT INTO t VALUES (1);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';"
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP TRIGGER g ON t; CREATE TRIGGER g AFTER INSERT OR UPDATE OF a ON t FOR EACH ROW WHEN (new.a > 0) EXECUTE"
        " FUNCTION f('it''s');"
        "CREATE CONSTRAINT TRIGGER k AFTER DELETE ON t1 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION"
        " f(); ALTER TABLE t1 DISABLE TRIGGER g;"
        "CREATE TRIGGER s AFTER INSERT ON t1 REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION f();"
        "ALTER TABLE t ENABLE ALWAYS TRIGGER g;"
        "CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER i INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();"
        "COMMENT ON TRIGGER i ON v IS 'i'",
        "SELECT * FROM t",
    ),
    "foreign-key-kinds": keeps(
        "CREATE TABLE p (a integer, b integer, PRIMARY KEY (a, b)) PARTITION BY HASH (a);"
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        "INSERT INTO p VALUES (1, 2); CREATE TABLE t (a integer, b integer, c integer); INSERT INTO t VALUES (1, 2, 3)",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a, "
        "b) REFERENCES p MATCH FULL ON DELETE SET NULL (b) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;"
        "ALTER TABLE p ADD c integer; ALTER TABLE p ADD UNIQUE (c, a);"
        "ALTER TABLE p ADD FOREIGN KEY (c, a) REFERENCES p (c, a)",
        "SELECT p.a, p.b, t.c FROM p JOIN t USING (a, b)",
    ),
    "index-kinds": keeps(
        "CREATE TABLE t (a text, b integer[], c tsvector); INSERT INTO t VALUES ('x', '{1}', 'x');"
        "CREATE INDEX i ON t (a)",
        "DROP INDEX i; CREATE INDEX i ON t USING gin (b) WITH (fastupdate = off);"
        "CREATE INDEX j ON t (lower(a) text_pattern_ops DESC NULLS LAST, length(a));"
        "CREATE UNIQUE INDEX k ON t (a COLLATE \"C\") INCLUDE (b) NULLS NOT DISTINCT WHERE a > '';"
        "CREATE INDEX l ON t USING brin (a text_bloom_ops (n_distinct_per_range = 9));"
        "ALTER INDEX j ALTER COLUMN 2 SET STATISTICS 77; CREATE INDEX n ON t USING hash (a);"
        "COMMENT ON INDEX n IS 'n'; ALTER TABLE t REPLICA IDENTITY DEFAULT",
        "SELECT * FROM t",
    ),
    "rules-and-views": keeps(
        "CREATE TABLE t (a integer); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT a FROM t;"
        "CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (new.a)",
        "DROP RULE r ON v; CREATE RULE r AS ON INSERT TO v WHERE new.a > 0 DO INSTEAD (INSERT INTO t VALUES (new.a);"
        "UPDATE t SET a = 2); CREATE RULE n AS ON DELETE TO v DO INSTEAD NOTHING;"
        "CREATE RULE q AS ON UPDATE TO t DO ALSO NOTHING; ALTER TABLE t DISABLE RULE q;"
        "ALTER VIEW v SET (security_invoker = on);"
        "CREATE RECURSIVE VIEW n (i) AS SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3",
        "SELECT * FROM t",
    ),
    "policies": keeps(
        "CREATE TABLE t (a integer, who name); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f(name) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'",
        "CREATE TABLE u (a integer); CREATE POLICY p ON t USING (f(who) AND a IN (SELECT a FROM u));"
        "CREATE POLICY q ON u FOR INSERT WITH CHECK (EXISTS (SELECT FROM t WHERE t.a = u.a));"
        "ALTER TABLE t ALTER a SET NOT NULL; COMMENT ON POLICY p ON t IS 'p'",
        "SELECT * FROM t",
    ),
    "owners-of-types": Change(
        "CREATE TYPE e AS ENUM ('x'); CREATE DOMAIN d AS e;"
        "CREATE TYPE r AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = many);"
        "CREATE FUNCTION f(many) RETURNS r LANGUAGE sql AS 'SELECT NULL::r'",
        "ALTER TYPE e OWNER TO diff_role; DROP FUNCTION f; DROP TYPE r; CREATE TYPE r AS RANGE (SUBTYPE = bigint);"
        "COMMENT ON TYPE e IS 'e'; REVOKE USAGE ON TYPE d FROM PUBLIC; GRANT USAGE ON TYPE d TO diff_role;"
        "CREATE FUNCTION f(r[]) RETURNS d LANGUAGE sql AS 'SELECT NULL::d'",
    ),
    "type-of-a-column-that-a-function-returns": keeps(
        "CREATE TABLE t (a integer); INSERT INTO t VALUES (1);"
        "CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'; CREATE VIEW v AS SELECT a FROM f()",
        "DROP VIEW v; ALTER TABLE t ALTER a TYPE bigint; CREATE VIEW v AS SELECT a FROM f()",
        "SELECT a::bigint FROM t",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "bodies-that-hold": keeps(
        "CREATE TABLE t (a integer, b text); INSERT INTO t VALUES (1, 'x');"
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t; END;"
        "CREATE FUNCTION g() RETURNS text LANGUAGE sql RETURN f() || 'x'; CREATE TABLE u (d text DEFAULT g());"
        "INSERT INTO u DEFAULT VALUES",
        "DROP FUNCTION f CASCADE; ALTER TABLE t ALTER b TYPE varchar(9);"
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT b FROM t WHERE a > 0; END;"
        "CREATE FUNCTION g() RETURNS text LANGUAGE sql RETURN f() || 'y'; ALTER TABLE u ALTER d SET DEFAULT g()",
        "SELECT t.a, t.b, u.d FROM t, u",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "from-table-to-view": Change(
        "CREATE TABLE x (a integer); CREATE TABLE t (a integer); CREATE VIEW v AS SELECT a FROM x",
        "DROP TABLE x CASCADE; CREATE VIEW x AS SELECT a FROM t; CREATE MATERIALIZED VIEW v AS SELECT a FROM x",
    ),
    "an-identity-goes-on": keeps(
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY, b text); INSERT INTO t (b) VALUES ('x'), ('y'), ('z')",
        "ALTER TABLE t RENAME TO u; ALTER TABLE u ADD c integer; ALTER SEQUENCE t_a_seq RENAME TO numbers;"
        "ALTER SEQUENCE numbers INCREMENT 3",
        "SELECT a, b, pg_sequence_last_value(pg_get_serial_sequence('t', 'a')) FROM t ORDER BY a",
        "SELECT a, b, pg_sequence_last_value(pg_get_serial_sequence('u', 'a')) FROM u ORDER BY a",
        hasnt="DROP",
    ),
    "made-partitioned": Change(
        "CREATE TABLE t (a integer, b text); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE u (a integer)",
        "DROP TABLE t CASCADE; CREATE TABLE t (a integer, b text) PARTITION BY RANGE (a); ALTER TABLE u ADD b text;"
        "ALTER TABLE t ATTACH PARTITION u FOR VALUES FROM (1) TO (9);"
        "CREATE VIEW v AS SELECT a FROM t; ALTER TABLE u SET (fillfactor = 50); CREATE UNLOGGED TABLE w (LIKE u)",
    ),
    "foreign": Change(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "CREATE FOREIGN TABLE t (a integer) SERVER s",
        "ALTER SERVER s VERSION '2'; ALTER FOREIGN TABLE t ADD b text, ALTER a SET NOT NULL;"
        "CREATE FOREIGN TABLE u (a integer) SERVER s; CREATE VIEW v AS SELECT a FROM t",
    ),
    # What 2,000 random sequences found --------------------------------------------------------------
    "identity-of-a-parent": Change(
        "CREATE TABLE p (a integer GENERATED ALWAYS AS IDENTITY, b integer); CREATE TABLE c () INHERITS (p)",
        "ALTER TABLE p DROP COLUMN a",
    ),
    "function-on-what-a-child-is-handed": Change(
        "CREATE TABLE p (a interval, b integer); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c);"
        "CREATE FUNCTION f() RETURNS SETOF c LANGUAGE sql BEGIN ATOMIC SELECT * FROM c; END;"
        "CREATE FUNCTION h() RETURNS SETOF interval LANGUAGE sql BEGIN ATOMIC SELECT a FROM g; END",
        "ALTER TABLE p DROP COLUMN a CASCADE, ADD COLUMN z bit(4)",
    ),
    "function-on-what-changes-its-type-in-a-child": Change(
        "CREATE TABLE p (a integer, b integer); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c)",
        "ALTER TABLE p ALTER a TYPE bigint;"
        "CREATE FUNCTION f() RETURNS SETOF c LANGUAGE sql BEGIN ATOMIC SELECT * FROM c; END;"
        "CREATE FUNCTION h() RETURNS SETOF bigint LANGUAGE sql BEGIN ATOMIC SELECT a FROM g; END",
    ),
    "statistics-with-their-tables-name": Change(
        "CREATE TABLE t (a integer, b integer); CREATE STATISTICS t (dependencies, mcv) ON a, b FROM t;"
        "COMMENT ON STATISTICS t IS 'x'; ALTER STATISTICS t SET STATISTICS 7",
        "ALTER TABLE t DROP COLUMN a",
    ),
    "function-with-a-types-name": Change(
        "CREATE SEQUENCE s",
        "CREATE TYPE x AS (a integer); CREATE TABLE t (b x); CREATE MATERIALIZED VIEW m AS SELECT (b).a FROM t;"
        "CREATE FUNCTION x() RETURNS SETOF m LANGUAGE sql BEGIN ATOMIC SELECT * FROM m; END;"
        "CREATE VIEW v AS SELECT * FROM x()",
    ),
    "function-with-a-tables-name": Change(
        "CREATE SEQUENCE s",
        "CREATE TABLE x (a integer); CREATE VIEW v AS SELECT a FROM x;"
        "CREATE FUNCTION x() RETURNS SETOF v LANGUAGE sql BEGIN ATOMIC SELECT * FROM v; END;"
        "CREATE TABLE t (b regproc DEFAULT 'x'::regproc)",
    ),
    "table-with-a-functions-name": Change(
        "CREATE SEQUENCE s",
        "CREATE FUNCTION x() RETURNS integer LANGUAGE sql IMMUTABLE RETURN 1;"
        "CREATE FUNCTION y() RETURNS integer LANGUAGE sql IMMUTABLE RETURN x();"
        "CREATE TABLE x (a integer PRIMARY KEY, g integer GENERATED ALWAYS AS (y()) STORED);"
        "CREATE TABLE z (a integer REFERENCES x)",
    ),
    "domain-with-a-sequences-name": Change(
        "CREATE SEQUENCE s", "CREATE SEQUENCE x; CREATE DOMAIN x AS integer; CREATE TABLE t (a x DEFAULT nextval('x'))"
    ),
    "name-of-another-columns-not-null": Change(
        "CREATE TABLE s (a inet NOT NULL)",
        "ALTER TABLE s RENAME TO t; ALTER TABLE t RENAME a TO b; ALTER TABLE t ADD a integer NOT NULL",
    ),
    "name-of-another-columns-not-null-alone": Change(
        "CREATE TABLE t (a integer CONSTRAINT n NOT NULL, b integer)",
        "ALTER TABLE t RENAME a TO c; ALTER TABLE t ADD a integer NOT NULL",
    ),
    "name-of-a-not-null-that-went-along": Change(
        "CREATE TABLE t (a integer NOT NULL, b integer NOT NULL)",
        "ALTER TABLE t DROP b; ALTER TABLE t RENAME a TO b; ALTER TABLE t ADD CHECK (b > 0)",
    ),
    "not-null-of-a-parent-with-a-later-name": Change(
        "CREATE TABLE p (k integer, w text) PARTITION BY LIST (k); CREATE TABLE a PARTITION OF p FOR VALUES IN (1)",
        "ALTER TABLE p ALTER w SET NOT NULL",
    ),
    "name-of-a-partitions-key-that-is-built-anew": Change(
        "CREATE TABLE p (k integer, v integer, PRIMARY KEY (k, v)) PARTITION BY LIST (k);"
        "CREATE TABLE c PARTITION OF p FOR VALUES IN (1); ALTER TABLE c RENAME CONSTRAINT c_pkey TO x",
        "ALTER TABLE p ALTER v TYPE bigint",
    ),
    "names-of-a-partitions-indexes-that-are-built-anew": Change(
        "CREATE TABLE p (k integer, v integer, PRIMARY KEY (k, v)) PARTITION BY LIST (k); CREATE INDEX i ON p (v);"
        "CREATE TABLE c PARTITION OF p FOR VALUES IN (1); ALTER TABLE c RENAME CONSTRAINT c_pkey TO x;"
        "ALTER INDEX c_v_idx RENAME TO y; CREATE TABLE r (k integer, v integer, FOREIGN KEY (k, v) REFERENCES p)",
        "ALTER TABLE r DROP CONSTRAINT r_k_v_fkey; ALTER TABLE p ALTER v TYPE bigint;"
        "ALTER TABLE c RENAME CONSTRAINT c_pkey TO x; ALTER INDEX c_v_idx RENAME TO y",
    ),
    "functions-without-their-arguments": Change(
        "CREATE SEQUENCE s",
        "CREATE FUNCTION f(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + b;"
        "CREATE FUNCTION g(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN a - b;"
        "CREATE AGGREGATE a(integer) (SFUNC = f, STYPE = integer);"
        "CREATE TYPE b AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = g);"
        "CREATE FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator",
    ),
    "sequence-of-a-column-that-another-used": Change(
        "CREATE TABLE t (a serial, b integer); ALTER SEQUENCE t_a_seq OWNED BY t.b",
        "ALTER TABLE t DROP a; DROP SEQUENCE t_a_seq; ALTER TABLE t ADD c integer",
    ),
    "schema-and-name-with-long-names": keeps(
        "CREATE SCHEMA s; CREATE TABLE t (a integer); INSERT INTO t VALUES (1)",
        f'CREATE TABLE "{LONG}" (a integer); ALTER TABLE t SET SCHEMA s; ALTER TABLE s.t RENAME TO "{LONG[:-1]}c"',
        "SELECT a FROM t",
        f'SELECT a FROM s."{LONG[:-1]}c"',
        hasnt="DROP TABLE",
    ),
    "list-of-constants": keeps(
        "CREATE TABLE t (a varchar(5), b text); INSERT INTO t VALUES ('x', 'y')",
        "ALTER TABLE t ADD CHECK (a IN ('x', 'y')), ADD CHECK (b <> '(ARRAY[1])::text');"
        "CREATE VIEW v AS SELECT a FROM t WHERE a IN ('x', 'it''s ]'); CREATE INDEX i ON t (b) WHERE a IN ('x', 'y');"
        "CREATE POLICY p ON t USING (a IN ('x', 'y')); CREATE DOMAIN d AS varchar(3) CHECK (VALUE IN ('x', 'y'));"
        "CREATE FUNCTION f(v varchar) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN v IN ('x', 'y');"
        "CREATE FUNCTION g() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''(ARRAY[1])::text[]'' AS x';"
        "ALTER TABLE t ADD c boolean GENERATED ALWAYS AS (a IN ('x', 'y')) STORED",
        "SELECT a, b FROM t",
    ),
    "owner-and-owned-by": Change(
        "CREATE TABLE t (a serial, b integer); ALTER TABLE t OWNER TO diff_role",
        "ALTER SEQUENCE t_a_seq OWNED BY t.b; ALTER TABLE t OWNER TO CURRENT_USER",
    ),
    "type-under-in-list": keeps(
        "CREATE TABLE t (a numeric(10,2) CHECK (a IN (1, 2, 3))); INSERT INTO t VALUES (1), (2)",
        "ALTER TABLE t ALTER a TYPE double precision",
        "SELECT a::integer FROM t ORDER BY a",
    ),
    "type-under-a-generated-column-that-goes": Change(
        "CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY, g integer GENERATED ALWAYS AS (a * 2) STORED)",
        "ALTER TABLE t DROP COLUMN g; ALTER TABLE t ALTER a TYPE smallint",
    ),
    "constraint-of-a-partition-renamed": Change(
        "CREATE TABLE p (k integer, v integer, PRIMARY KEY (k)) PARTITION BY RANGE (k);"
        "CREATE TABLE q PARTITION OF p FOR VALUES FROM (0) TO (100); ALTER TABLE p ADD UNIQUE (k, v);"
        "ALTER TABLE q ADD CHECK (v > 0)",
        'ALTER TABLE q RENAME CONSTRAINT q_pkey TO "all"; ALTER TABLE q RENAME CONSTRAINT q_k_v_key TO other',
        has="RENAME CONSTRAINT",
        hasnt="DROP",
    ),
    "schema-and-table-renamed-with-its-parts": keeps(
        "CREATE SCHEMA s; CREATE TABLE s.t (a integer, b integer); INSERT INTO s.t VALUES (1, 2)",
        "ALTER SCHEMA s RENAME TO r; CREATE POLICY p ON r.t USING (a > 0); CREATE STATISTICS r.st ON a, b FROM r.t;"
        "CREATE RULE ru AS ON DELETE TO r.t DO ALSO NOTHING; CREATE INDEX i ON r.t (a);"
        "CREATE TRIGGER tr BEFORE INSERT ON r.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();"
        "ALTER TABLE r.t RENAME TO u",
        "SELECT a FROM s.t",
        "SELECT a FROM r.u",
        hasnt="DROP TABLE",
    ),
    "enum-made-anew-under-a-row-type": Change(
        "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('x'); CREATE TABLE s.t (id text, b s.e)",
        "ALTER SCHEMA s RENAME TO r; ALTER TYPE r.e ADD VALUE 'y'; ALTER TYPE r.e RENAME TO f;"
        "CREATE MATERIALIZED VIEW r.m AS SELECT * FROM r.t WHERE length(id) < 50",
    ),
    "schema-renamed-under-a-partition-with-a-function": Change(
        "CREATE SCHEMA s; CREATE TABLE s.p (k bigint NOT NULL, w text) PARTITION BY RANGE (k);"
        "CREATE TABLE q (LIKE s.p)",
        "CREATE FUNCTION s.f(a integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a; END';"
        "ALTER TABLE s.p RENAME TO u; ALTER TABLE s.u ATTACH PARTITION q DEFAULT; ALTER SCHEMA s RENAME TO r;"
        "ALTER TABLE r.u ADD COLUMN c serial; ALTER TABLE q ADD CHECK (r.f(c) > 1);"
        "ALTER TABLE q ADD UNIQUE (w, c)",
    ),
    "a-function-of-the-tables-new-name": keeps(
        'CREATE TABLE t (a serial); INSERT INTO t VALUES (7); CREATE FUNCTION "end"(integer) RETURNS integer'
        " LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'",
        'ALTER TABLE t RENAME TO "end"; DROP FUNCTION "end"(integer)',
        "SELECT a FROM t",
        'SELECT a FROM "end"',
        hasnt="DROP TABLE",
    ),
    "partition-that-a-key-leads-to": Change(
        "CREATE TABLE p (k integer PRIMARY KEY, v integer REFERENCES p (k)) PARTITION BY RANGE (k);"
        "CREATE TABLE q (k integer REFERENCES p (k)); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); DROP TABLE q",
    ),
    "column-filled-under-a-row-type": Change(
        "CREATE TABLE t (a integer); CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q;"
        "CREATE VIEW v AS SELECT (m.whole).a FROM m",
        "DROP MATERIALIZED VIEW m CASCADE; ALTER TABLE t ADD b integer GENERATED BY DEFAULT AS IDENTITY;"
        "CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q; CREATE VIEW v AS SELECT (m.whole).a FROM m",
    ),
    "own-again-by-an-odd-name": keeps(
        'CREATE TABLE p ("a%s" integer NOT NULL); CREATE TABLE "c%I" () INHERITS (p); INSERT INTO "c%I" VALUES (1)',
        'ALTER TABLE "c%I" NO INHERIT p',
        'SELECT "a%s" FROM "c%I"',
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "not-null-is-not-handed-down": keeps(
        "CREATE TABLE t (a integer NOT NULL); INSERT INTO t VALUES (1)",
        "DO $$BEGIN IF current_setting('server_version_num')::integer >= 180000 THEN"
        " EXECUTE 'ALTER TABLE t ALTER CONSTRAINT t_a_not_null NO INHERIT'; ELSE COMMENT ON TABLE t IS 'no names';"
        " END IF; END$$",
        "SELECT a FROM t",
        hasnt="DROP",
    ),
    "partition-leaves-with-the-old-name": Change(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); CREATE TABLE b PARTITION OF p FOR VALUES IN (2)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE p RENAME v TO w",
    ),
    "partition-leaves-and-another-stays": Change(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); CREATE TABLE b PARTITION OF p FOR VALUES IN (2);"
        "CREATE INDEX b_v ON b (v); COMMENT ON COLUMN b.v IS 'x'; ALTER TABLE b ALTER v SET DEFAULT 7",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE p RENAME v TO w",
    ),
    "partition-leaves-below-the-second-level": Change(
        "CREATE TABLE g (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE p PARTITION OF g FOR VALUES IN (1, 2) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE g RENAME v TO w",
    ),
    "domain-under-a-row-type-by-another-name": Change(
        "CREATE DOMAIN d AS integer DEFAULT 1; CREATE TABLE t (a integer);"
        "CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q",
        "ALTER DOMAIN d RENAME TO e; DROP MATERIALIZED VIEW m; ALTER TABLE t ADD b e;"
        "CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q",
    ),
    "sequence-that-a-view-reads": keeps(
        "CREATE SEQUENCE x; CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM x",
        "ALTER SEQUENCE x RENAME TO y",
        "SELECT n FROM m",
        hasnt="MATERIALIZED VIEW",
    ),
    "leaves-and-both-take-the-old-name": keeps(
        "CREATE SCHEMA s; CREATE TABLE s.p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF s.p FOR VALUES IN (1); INSERT INTO s.p VALUES (1, 5)",
        "ALTER TABLE s.p RENAME v TO w; ALTER TABLE s.p DETACH PARTITION a; ALTER TABLE s.p SET SCHEMA public",
        "SELECT v FROM a",
        "SELECT w FROM a",
        hasnt="DROP COLUMN",
    ),
    "function-of-a-table-of-its-name": Change(
        "CREATE TABLE b (id integer)",
        "CREATE TABLE z (id integer); CREATE FUNCTION z(r z) RETURNS integer RETURN (r).id",
    ),
    "type-of-a-renamed-sequence-s-name": Change(
        "CREATE SEQUENCE x; CREATE TYPE x AS ENUM ('a');"
        "CREATE TABLE t (id integer DEFAULT nextval('x'));"
        "CREATE FUNCTION f(v x) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN v::text; END'",
        "ALTER SEQUENCE x RENAME TO y; DROP FUNCTION f(x)",
        has="ALTER SEQUENCE public.x RENAME TO y",
        hasnt="DEFAULT",
    ),
    "type-of-a-renamed-index-s-name": Change(
        "CREATE TYPE x AS ENUM ('a'); CREATE TABLE t (id integer, v x); CREATE INDEX x ON t (id);"
        "CREATE FUNCTION f(v x) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN v::text; END'",
        "ALTER INDEX x RENAME TO y; DROP FUNCTION f(x)",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "column-of-a-domain-under-a-row-type": Change(
        "CREATE DOMAIN d AS integer DEFAULT 1 CHECK (VALUE > 0); CREATE TABLE t (a integer);"
        "CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q",
        "DROP MATERIALIZED VIEW m; ALTER TABLE t ADD b d; CREATE MATERIALIZED VIEW m AS SELECT q AS whole FROM t q",
    ),
    "collation-of-a-renamed-table-s-name": keeps(
        "CREATE TABLE a (id integer); INSERT INTO a VALUES (1)",
        "ALTER TABLE a RENAME TO o; CREATE COLLATION o FROM \"C\";"
        "CREATE TABLE t (x text COLLATE o CHECK (x < 'a' COLLATE o))",
        "SELECT id FROM a",
        "SELECT id FROM o",
        has="ALTER TABLE public.a RENAME TO o",
    ),
    "column-no-longer-of-an-extension-s-type": Change(
        "CREATE EXTENSION cube; CREATE TABLE t (a cube DEFAULT '(1)')",
        "ALTER TABLE t ALTER a DROP DEFAULT; ALTER TABLE t ALTER a TYPE integer USING NULL; DROP EXTENSION cube",
    ),
    "unique-index-under-an-owned-sequence": keeps(
        "CREATE TABLE t (f text, b integer NOT NULL); CREATE SEQUENCE s; CREATE UNIQUE INDEX i ON t (lower(f));"
        "INSERT INTO t VALUES ('x', 1)",
        "ALTER TABLE t ALTER f TYPE varchar(20), ADD PRIMARY KEY (b); ALTER SEQUENCE s OWNED BY t.b",
        "SELECT b FROM t",
        hasnt="DROP COLUMN",
    ),
    "column-back-to-an-enum-that-its-default-mentions": keeps(
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e DEFAULT 'a', y e); INSERT INTO t VALUES ('a', 'a')",
        "ALTER TABLE t ALTER x TYPE varchar(20); ALTER TYPE e ADD VALUE 'b'",
        "SELECT x::text, y::text FROM t",
        hasnt="DROP COLUMN",
    ),
    "long-name-to-a-schema": keeps(
        f'CREATE SCHEMA s; CREATE TABLE "{LONG}" (a integer); INSERT INTO "{LONG}" VALUES (1)',
        f'ALTER TABLE "{LONG}" SET SCHEMA s; CREATE TABLE "{LONG[:-1]}c" (a integer)',
        f'SELECT a FROM public."{LONG}"',
        f'SELECT a FROM s."{LONG}"',
    ),
    "key-of-a-part-that-leaves": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a",
    ),
    "key-of-a-part-that-leaves-with-another-name": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE a RENAME TO b",
    ),
    "key-stays-behind-with-the-parent": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE a DROP CONSTRAINT p_k_fkey",
    ),
    "part-leaves-and-the-key-goes": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE p DROP CONSTRAINT p_k_fkey",
    ),
    "part-leaves-after-the-key-went": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DROP CONSTRAINT p_k_fkey; ALTER TABLE p DETACH PARTITION a",
    ),
    "part-leaves-and-the-key-is-another": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE a DROP CONSTRAINT p_k_fkey;"
        "ALTER TABLE a ADD CONSTRAINT p_k_fkey FOREIGN KEY (k) REFERENCES t ON DELETE CASCADE;"
        "COMMENT ON CONSTRAINT p_k_fkey ON a IS 'x'",
    ),
    "part-leaves-for-another-parent": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE q (k integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE q ATTACH PARTITION a FOR VALUES IN (1)",
    ),
    "part-leaves-for-another-parent-with-a-key": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE q (k integer REFERENCES t ON DELETE CASCADE) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE q ATTACH PARTITION a FOR VALUES IN (1)",
    ),
    "two-levels-of-keys": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE g (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE p PARTITION OF g FOR VALUES IN (1, 2) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE g DETACH PARTITION p; ALTER TABLE p DETACH PARTITION a",
    ),
    "key-to-itself-of-a-part-that-leaves": Change(
        "CREATE TABLE p (k integer PRIMARY KEY REFERENCES p) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1)",
        "ALTER TABLE p DETACH PARTITION a",
    ),
    "key-to-itself-of-a-part-that-leaves-with-another-name": Change(
        "CREATE TABLE p (k integer PRIMARY KEY REFERENCES p) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE a RENAME TO b",
    ),
    "own-key-beside-the-parent-s": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); INSERT INTO t VALUES (1); INSERT INTO p VALUES (1)",
        "ALTER TABLE a ADD CONSTRAINT own FOREIGN KEY (k) REFERENCES t",
    ),
    "own-key-and-then-the-parent-s": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "ALTER TABLE a ADD CONSTRAINT own FOREIGN KEY (k) REFERENCES t",
        "ALTER TABLE a DROP CONSTRAINT own; ALTER TABLE p ADD FOREIGN KEY (k) REFERENCES t;"
        "ALTER TABLE a ADD CONSTRAINT own FOREIGN KEY (k) REFERENCES t",
    ),
    "own-key-of-a-part-that-comes": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer REFERENCES t) PARTITION BY LIST (k);"
        "CREATE TABLE a (k integer CONSTRAINT own REFERENCES t)",
        "ALTER TABLE a DROP CONSTRAINT own; ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1);"
        "ALTER TABLE a ADD CONSTRAINT own FOREIGN KEY (k) REFERENCES t; COMMENT ON CONSTRAINT own ON a IS 'x'",
    ),
    "stored-otherwise-than-its-parent": Change(
        "SELECT 1",
        "CREATE TABLE a (x text, y text, n integer); CREATE TABLE b () INHERITS (a);"
        "ALTER TABLE ONLY a ALTER x SET STORAGE EXTERNAL, ALTER y SET COMPRESSION pglz",
    ),
    "comes-stored-otherwise-than-its-parent": Change(
        "CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (x text, y text, n integer, e e, m numeric(5, 2));"
        "ALTER TABLE ONLY a ALTER x SET STORAGE EXTERNAL, ALTER y SET COMPRESSION pglz",
        "CREATE TABLE b () INHERITS (a); ALTER TABLE b ALTER x SET STORAGE EXTENDED, ALTER y SET COMPRESSION DEFAULT",
    ),
    "child-of-two-that-store-otherwise": Change(
        "SELECT 1",
        "CREATE TABLE a (x text, y text); CREATE TABLE b (x text, y text); CREATE TABLE c () INHERITS (a, b);"
        "ALTER TABLE ONLY a ALTER x SET STORAGE EXTERNAL, ALTER y SET COMPRESSION pglz",
    ),
    "child-that-stores-otherwise-gets-a-column": Change(
        "CREATE TABLE a (x text); CREATE TABLE b () INHERITS (a); ALTER TABLE b ALTER x SET STORAGE MAIN",
        "ALTER TABLE a ADD y text, ADD z varchar(3); ALTER TABLE a ALTER y SET STORAGE EXTERNAL;"
        "ALTER TABLE b ALTER x SET STORAGE EXTENDED",
    ),
    "stored-otherwise-with-another-type": Change(
        "CREATE TABLE t (x text, y text); ALTER TABLE t ALTER x SET STORAGE EXTERNAL, ALTER y SET COMPRESSION pglz",
        "ALTER TABLE t ALTER x TYPE varchar(9), ALTER y TYPE varchar(9);"
        "ALTER TABLE t ALTER x SET STORAGE EXTERNAL, ALTER y SET COMPRESSION pglz",
    ),
    "no-null-in-a-key-with-a-child": Change(
        "CREATE TABLE a (x integer, y integer)",
        "ALTER TABLE a ADD PRIMARY KEY (x, y); CREATE TABLE b (z integer) INHERITS (a); COMMENT ON TABLE a IS 'x'",
    ),
    "part-goes-that-a-key-leads-to": Change(
        "CREATE TABLE p (k integer PRIMARY KEY) PARTITION BY LIST (k); CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "CREATE TABLE t (k integer REFERENCES p)",
        "ALTER TABLE p RENAME TO q; ALTER TABLE q DETACH PARTITION a; DROP TABLE a",
    ),
    "comment-on-a-key-to-itself": Change(
        "SELECT 1",
        "CREATE TABLE t (k integer PRIMARY KEY, r integer);"
        "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (r) REFERENCES t;"
        "COMMENT ON CONSTRAINT c ON t IS 'x'; CREATE STATISTICS z ON k, r FROM t",
    ),
    "computed-no-more-from-what-goes": Change(
        "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)",
        "ALTER TABLE t ALTER b DROP EXPRESSION; ALTER TABLE t DROP a",
    ),
    "computed-no-more-and-wider": Change(
        "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)",
        "ALTER TABLE t ALTER b DROP EXPRESSION, DROP a; ALTER TABLE t ALTER b TYPE bigint, ADD d integer",
    ),
    "column-with-a-key-for-parts": Change(
        "CREATE TABLE t (k integer PRIMARY KEY); CREATE TABLE p (k integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1); CREATE TABLE b PARTITION OF p FOR VALUES IN (2)",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE p ADD r integer REFERENCES t",
    ),
    "parent-loses-a-column-and-its-child-keeps-it": keeps(
        "CREATE TABLE a (x integer, y integer); CREATE TABLE b () INHERITS (a); CREATE TABLE e () INHERITS (a);"
        "CREATE TABLE d () INHERITS (b); INSERT INTO b VALUES (1, 2); INSERT INTO d VALUES (3, 4)",
        "ALTER TABLE ONLY a DROP x; ALTER TABLE e DROP x",
        "SELECT x FROM b",
    ),
    "parent-loses-a-column-that-its-child-had-before": keeps(
        "CREATE TABLE a (x integer, y integer); CREATE TABLE b (x integer) INHERITS (a); INSERT INTO b VALUES (1, 2)",
        "ALTER TABLE a DROP x",
        "SELECT x FROM b",
    ),
    "one-of-two-parents-loses-a-column": keeps(
        "CREATE TABLE a (x integer, y integer); CREATE TABLE b (x integer); CREATE TABLE c () INHERITS (a, b);"
        "INSERT INTO c VALUES (1, 2)",
        "ALTER TABLE a DROP x",
        "SELECT x FROM c",
    ),
    "parent-gets-what-its-child-has": keeps(
        "CREATE TABLE a (y integer NOT NULL DEFAULT 4);"
        "CREATE TABLE b (x integer NOT NULL CHECK (x > 0)) INHERITS (a); CREATE INDEX bi ON b (x);"
        "INSERT INTO b VALUES (1, 2)",
        "ALTER TABLE a ADD x integer NOT NULL CONSTRAINT b_x_check CHECK (x > 0)",
        "SELECT x FROM b",
    ),
    "columns-of-three-levels-that-each-had": Change(
        "CREATE TABLE a (x integer, y integer); CREATE TABLE b (x integer) INHERITS (a);"
        "CREATE TABLE d (x integer) INHERITS (b)",
        "ALTER TABLE a DROP x; ALTER TABLE b DROP x; ALTER TABLE d DROP x",
    ),
    "parent-loses-a-check-and-its-child-keeps-it": Change(
        "CREATE TABLE a (x integer CONSTRAINT c CHECK (x > 0), y integer); CREATE TABLE b () INHERITS (a);"
        "CREATE TABLE d () INHERITS (b)",
        "ALTER TABLE ONLY a DROP CONSTRAINT c; ALTER TABLE a RENAME x TO xx",
    ),
    "checks-of-three-levels-that-each-had": Change(
        "CREATE TABLE a (x integer CONSTRAINT c CHECK (x > 0), y integer);"
        "CREATE TABLE b (x integer CONSTRAINT c CHECK (x > 0)) INHERITS (a);"
        "CREATE TABLE d (x integer CONSTRAINT c CHECK (x > 0)) INHERITS (b)",
        "ALTER TABLE a DROP CONSTRAINT c; ALTER TABLE b DROP CONSTRAINT c; ALTER TABLE d DROP CONSTRAINT c",
    ),
    "parent-takes-nulls-and-its-child-does-not": Change(
        "CREATE TABLE a (x integer NOT NULL, y integer); CREATE TABLE b () INHERITS (a);"
        "CREATE TABLE d () INHERITS (b)",
        "ALTER TABLE a ALTER x DROP NOT NULL; ALTER TABLE d ALTER x SET NOT NULL",
    ),
    "index-that-no-partition-is-attached-to": Change(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "CREATE TABLE b PARTITION OF p FOR VALUES IN (2); CREATE INDEX ai ON a (v); CREATE INDEX bi ON b (v);"
        "CREATE INDEX pi ON ONLY p (v); ALTER INDEX pi ATTACH PARTITION bi",
        "ALTER TABLE p DETACH PARTITION a; ALTER TABLE p DETACH PARTITION b",
    ),
    "key-that-no-partition-is-attached-to": Change(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "ALTER TABLE ONLY p ADD PRIMARY KEY (k)",
        "ALTER TABLE p DETACH PARTITION a",
    ),
    "domain-tightened-inside-rows": Change(
        "CREATE DOMAIN d AS integer CONSTRAINT x CHECK (VALUE < 1000); CREATE TYPE c AS (a d[], b date);"
        "CREATE DOMAIN e AS c;"
        "CREATE TABLE t (x c, y integer); CREATE TABLE u (t t[]); CREATE TABLE w (e e, d d);"
        "CREATE VIEW v AS SELECT e FROM w",
        "ALTER DOMAIN d RENAME CONSTRAINT x TO y",
    ),
    "indexes-by-another-name": Change(
        "CREATE TABLE p (k integer, v integer) PARTITION BY LIST (k); CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "CREATE INDEX pi ON p (v); CREATE UNIQUE INDEX \"%I \\i\" ON a (k)",
        "ALTER INDEX a_v_idx RENAME TO zz; ALTER INDEX \"%I \\i\" RENAME TO \"x.y \\1\"",
        hasnt="CREATE|DROP",
    ),
    "index-by-the-name-of-a-key": Change(
        "CREATE TABLE t (a integer CONSTRAINT c CHECK (a > 0), CONSTRAINT d UNIQUE (a)); CREATE INDEX i ON t (a)",
        "ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t RENAME CONSTRAINT d TO c; ALTER INDEX i RENAME TO d",
    ),
    "table-by-the-name-of-a-columns-sequence": Change(
        "CREATE TABLE t (a integer); CREATE TABLE u (b integer GENERATED ALWAYS AS IDENTITY)",
        "ALTER TABLE u DROP b; ALTER TABLE t RENAME TO u_b_seq",
    ),
    "schema-renamed-and-made-again": Change(
        "CREATE SCHEMA s; CREATE TABLE s.t (a serial PRIMARY KEY); CREATE VIEW s.v AS SELECT a FROM s.t",
        "ALTER SCHEMA s RENAME TO r; CREATE SCHEMA s; CREATE TABLE s.t (b integer)",
    ),
    "privileges-of-a-column-made-anew": Change(
        "CREATE TABLE t (a integer, g integer GENERATED ALWAYS AS (a + 1) STORED); GRANT SELECT (g) ON t TO PUBLIC",
        "ALTER TABLE t DROP g; ALTER TABLE t ADD g integer GENERATED ALWAYS AS (a + 2) STORED;"
        "GRANT SELECT (g) ON t TO PUBLIC",
    ),
    "partitioned-by-a-column-of-another-type": keeps(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1) PARTITION BY RANGE (v);"
        "CREATE TABLE aa PARTITION OF a FOR VALUES FROM (0) TO (9); CREATE INDEX pi ON p (k);"
        "CREATE VIEW vv AS SELECT k FROM p;"
        "INSERT INTO p VALUES (1, 5)",
        "ALTER TABLE p DETACH PARTITION a; DROP TABLE p CASCADE; ALTER TABLE a ALTER k TYPE bigint;"
        "CREATE TABLE p (k bigint NOT NULL, v integer) PARTITION BY LIST (k);"
        "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1); CREATE INDEX pi ON p (k);"
        "CREATE VIEW vv AS SELECT k FROM p",
        "SELECT v FROM p",
    ),
    "partitioned-by-an-enum-made-anew": keeps(
        "CREATE TYPE e AS ENUM ('x', 'y'); CREATE TABLE p (k e NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN ('x'); INSERT INTO p VALUES ('x', 5)",
        "ALTER TABLE p DETACH PARTITION a; DROP TABLE p; ALTER TABLE a ALTER k TYPE text; DROP TYPE e;"
        "CREATE TYPE e AS ENUM ('y', 'x'); ALTER TABLE a ALTER k TYPE e USING k::e;"
        "CREATE TABLE p (k e NOT NULL, v integer) PARTITION BY LIST (k);"
        "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN ('x')",
        "SELECT v FROM p",
    ),
    "logged-and-unlogged-with-keys": Change(
        "CREATE TABLE z (a serial PRIMARY KEY, x integer REFERENCES z);"
        "CREATE TABLE b (b integer PRIMARY KEY REFERENCES z);"
        "CREATE TABLE c (b integer REFERENCES b)",
        "ALTER TABLE c SET UNLOGGED; ALTER TABLE b SET UNLOGGED; ALTER TABLE z SET UNLOGGED",
    ),
    "sequence-that-does-not-follow-its-table": Change(
        "CREATE SCHEMA s; CREATE TABLE t (a serial); CREATE TABLE u (b integer)",
        "ALTER SEQUENCE t_a_seq OWNED BY u.b; ALTER TABLE t SET SCHEMA s; ALTER TABLE s.t RENAME TO v",
    ),
    "triggers-of-a-key-that-is-made-anew": Change(
        f"CREATE TABLE t (a integer PRIMARY KEY); CREATE TABLE r (a integer REFERENCES t); {KEY_OFF}",
        "ALTER TABLE r DROP CONSTRAINT r_a_fkey;"
        f"ALTER TABLE r ADD CONSTRAINT r_a_fkey FOREIGN KEY (a) REFERENCES t ON DELETE CASCADE; {KEY_OFF}",
    ),
    "range-made-anew-under-what-only-ranges-have": Change(
        f"CREATE TYPE r AS RANGE (SUBTYPE = date); {RANGES}",
        "DROP INDEX i; DROP STATISTICS s; ALTER TABLE t DROP CONSTRAINT t_a_check, DROP CONSTRAINT t_a_excl;"
        "ALTER TABLE t ALTER a TYPE text; DROP TYPE r; CREATE TYPE r AS RANGE (SUBTYPE = timestamp);"
        "ALTER TABLE t ALTER a TYPE r USING a::r;"
        "ALTER TABLE t ADD CHECK (NOT upper_inf(a)), ADD EXCLUDE USING gist (a WITH &&);"
        "CREATE INDEX i ON t (upper_inf(a)); CREATE STATISTICS s ON lower_inf(a), b FROM t",
    ),
    "foreign-partition-beside-indexes": Change(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER sv FOREIGN DATA WRAPPER w;"
        "CREATE TABLE p (k integer, v integer) PARTITION BY LIST (k); CREATE TABLE a PARTITION OF p FOR VALUES IN (1);"
        "CREATE INDEX i ON p (v)",
        "CREATE FOREIGN TABLE b PARTITION OF p FOR VALUES IN (2) SERVER sv",
        hasnt="INDEX",
    ),
    "two-parents-lose-the-same": Change(
        "CREATE TABLE a (x integer, y integer, CONSTRAINT k CHECK (y > 0));"
        "CREATE TABLE b (x integer, y integer, CONSTRAINT k CHECK (y > 0));"
        "CREATE TABLE c () INHERITS (a, b)",
        "ALTER TABLE a DROP CONSTRAINT k, DROP x; ALTER TABLE b DROP CONSTRAINT k, DROP x",
    ),
    "sequence-goes-with-its-column-from-a-table-that-moves": Change(
        "CREATE TABLE a (a integer)",
        "ALTER TABLE a ADD b serial; CREATE TABLE o (LIKE a INCLUDING DEFAULTS); CREATE SCHEMA s;"
        "ALTER TABLE a SET SCHEMA s",
    ),
    "index-goes-from-a-table-that-moves": Change(
        "CREATE TABLE a (a integer)",
        "CREATE INDEX i ON a (a); ALTER TABLE a ADD CONSTRAINT k UNIQUE (a); CREATE SCHEMA s;"
        "CREATE TABLE o (d text DEFAULT 'i'::regclass::text, e text DEFAULT 'k'::regclass::text);"
        "ALTER TABLE a SET SCHEMA s",
    ),
    "identity-goes-from-a-table-that-moves": Change(
        "CREATE TABLE a (c integer NOT NULL)",
        "ALTER TABLE a ALTER c ADD GENERATED ALWAYS AS IDENTITY; CREATE TABLE o (d integer DEFAULT nextval('a_c_seq'));"
        "CREATE SCHEMA s; ALTER TABLE a SET SCHEMA s",
    ),
    "sequence-with-a-quote-goes-from-a-table-that-moves": Change(
        """CREATE TABLE "t'1" (a integer)""",
        """ALTER TABLE "t'1" ADD b serial; CREATE TABLE o (LIKE "t'1" INCLUDING DEFAULTS); CREATE SCHEMA s;"""
        """ALTER TABLE "t'1" SET SCHEMA s""",
    ),
    "names-with-quotes-in-literals": keeps(
        """CREATE SCHEMA s; CREATE SCHEMA x; CREATE TABLE x.y (); CREATE TABLE u (a serial);"""
        """CREATE TABLE "t'1" (a serial);"""
        """CREATE TABLE o (a integer, b integer DEFAULT nextval('"t''1_a_seq"'), c text DEFAULT"""
        """ '"t''1"'::regclass::text,"""
        """ d text DEFAULT 'u'::regclass::text, e integer DEFAULT nextval('u_a_seq'), f text DEFAULT"""
        """ 'x.y'::regclass::text);"""
        "INSERT INTO o VALUES (1)",
        """ALTER TABLE "t'1" SET SCHEMA s; ALTER TABLE s."t'1" RENAME TO "%'1$s"; ALTER TABLE u RENAME TO "u'2";"""
        """ALTER SEQUENCE u_a_seq RENAME TO "'"; ALTER SCHEMA x RENAME TO "x'3" """,
        "SELECT a FROM o",
        hasnt="DEFAULT",
    ),
    "sequence-let-go-and-moved": keeps(
        "CREATE SCHEMA s; CREATE TABLE t (id serial, b integer); INSERT INTO t (b) SELECT 1 FROM generate_series(1, 5)",
        "ALTER SEQUENCE t_id_seq OWNED BY NONE; ALTER SEQUENCE t_id_seq SET SCHEMA s",
        "SELECT last_value FROM t_id_seq",
        "SELECT last_value FROM s.t_id_seq",
    ),
    "sequence-let-go-and-renamed-while-its-table-moves": keeps(
        "CREATE SCHEMA s; CREATE TABLE t (id serial, b integer); INSERT INTO t (b) SELECT 1 FROM generate_series(1, 5)",
        "ALTER SEQUENCE t_id_seq OWNED BY NONE; ALTER SEQUENCE t_id_seq RENAME TO zz; ALTER TABLE t SET SCHEMA s",
        "SELECT last_value FROM t_id_seq",
        "SELECT last_value FROM zz",
    ),
    "partition-takes-no-nulls-as-its-parent-does": Change(
        "CREATE TABLE p (k integer, v integer NOT NULL) PARTITION BY LIST (k);"
        "CREATE TABLE a PARTITION OF p FOR VALUES IN (1)",
        "ALTER TABLE p ALTER v DROP NOT NULL; ALTER TABLE a ALTER v SET NOT NULL",
    ),
    "not-null-by-another-name-than-in-its-partition": Change(
        "CREATE TABLE p (k integer NOT NULL, v integer) PARTITION BY LIST (k);"
        "CREATE TABLE a (k integer NOT NULL, v integer);"
        "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1)",
        "ALTER TABLE p DETACH PARTITION a;"
        "DO $$BEGIN IF current_setting('server_version_num')::integer >= 180000 THEN"
        " EXECUTE 'ALTER TABLE p RENAME CONSTRAINT p_k_not_null TO \"%I x\"';"
        "ELSE COMMENT ON TABLE p IS 'no names'; END IF; END$$;"
        "ALTER TABLE p ATTACH PARTITION a FOR VALUES IN (1)",
    ),
    "name-inside-another-name": Change(
        "CREATE TABLE t (e integer GENERATED ALWAYS AS (1) STORED, name text); CREATE INDEX i ON t (name)",
        "ALTER TABLE t DROP e; ALTER TABLE t ADD e integer GENERATED ALWAYS AS (2) STORED",
        hasnt="INDEX",
    ),
    "everything-goes": Change(
        "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('x');"
        "CREATE FUNCTION s.f(s.e) RETURNS s.e LANGUAGE sql IMMUTABLE AS 'SELECT $1';"
        "CREATE TABLE s.t (a s.e DEFAULT s.f('x'), b integer UNIQUE);"
        "CREATE VIEW s.v AS SELECT s.f(a) AS a FROM s.t; CREATE TYPE s.r AS RANGE (SUBTYPE = float8);"
        "CREATE COLLATION s.c FROM \"C\"",
        "DROP SCHEMA s CASCADE",
    ),
    # What a child validated by itself, and an index that has a type's name ------------------------------
    "check-validated-in-a-partition": Change(
        "CREATE TABLE p (k integer, v integer) PARTITION BY RANGE (k); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); "
        "ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID; INSERT INTO p VALUES (1,1),(11,1)",
        "ALTER TABLE p1 VALIDATE CONSTRAINT c",
        ('SELECT * FROM p ORDER BY 1', 'SELECT * FROM p ORDER BY 1'),
    ),
    "check-validated-in-a-partition-of-a-partition": Change(
        "CREATE TABLE p (k integer, v integer) PARTITION BY RANGE (k); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (k); "
        "CREATE TABLE p2 PARTITION OF p1 FOR VALUES FROM (1) TO (8); "
        "CREATE TABLE p3 PARTITION OF p1 FOR VALUES FROM (8) TO (9); "
        "ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID",
        "ALTER TABLE p2 VALIDATE CONSTRAINT c",
    ),
    "check-validated-in-a-child": Change(
        "CREATE TABLE p (k integer, v integer); CREATE TABLE p1 () INHERITS (p); "
        "CREATE TABLE p2 () INHERITS (p1); ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID;",
        "ALTER TABLE p1 VALIDATE CONSTRAINT c",
    ),
    "check-validated-in-a-grandchild-with-comments": Change(
        "CREATE TABLE p (k integer, v integer); CREATE TABLE p1 () INHERITS (p); "
        "CREATE TABLE p2 () INHERITS (p1); ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID; "
        "COMMENT ON CONSTRAINT c ON p1 IS 'x'; COMMENT ON CONSTRAINT c ON p IS 'y'",
        "ALTER TABLE p2 VALIDATE CONSTRAINT c; ALTER TABLE p ADD COLUMN z int",
    ),
    "index-and-domain-of-one-name": Change(
        "CREATE TABLE other (id integer)",
        "CREATE DOMAIN o AS integer; CREATE TABLE t (a bytea, id o, b o DEFAULT 3); "
        "CREATE INDEX o ON t (a, b) WHERE b > 1; COMMENT ON INDEX o IS 'i'; COMMENT ON DOMAIN o IS 'd'",
    ),
    "index-goes-beside-a-domain-of-its-name": Change(
        "CREATE DOMAIN o AS integer CHECK (VALUE > 0) NOT NULL; "
        "CREATE TABLE t (a bytea, id o, b o DEFAULT 3); CREATE INDEX o ON t (a, b) WHERE b > 1;",
        "DROP INDEX o; ALTER DOMAIN o DROP NOT NULL",
    ),
    "key-and-domain-of-one-name": Change(
        "CREATE TABLE other (id integer)",
        "CREATE DOMAIN o AS integer; "
        "CREATE TABLE t (a integer CONSTRAINT o PRIMARY KEY, id o, b o[] DEFAULT '{3}'); CLUSTER t USING o; "
        "ALTER TABLE t REPLICA IDENTITY USING INDEX o",
    ),
    "enum-made-anew-beside-an-index-of-its-name": Change(
        "CREATE TYPE o AS ENUM ('a'); CREATE TABLE t (a integer, id o DEFAULT 'a'); "
        "CREATE INDEX o ON t (a, id)",
        "DROP INDEX o; ALTER TABLE t ALTER id DROP DEFAULT, ALTER id TYPE text; DROP TYPE o; "
        "CREATE TYPE o AS ENUM ('b'); ALTER TABLE t ALTER id TYPE o USING 'b'; CREATE INDEX o ON t (id)",
    ),
    "check-of-two-parents-validated-below": Change(
        "CREATE TABLE p (k integer, v integer); CREATE TABLE q (k integer); "
        "CREATE TABLE p1 () INHERITS (p, q); CREATE TABLE p2 () INHERITS (p1); "
        "CREATE TABLE p3 () INHERITS (p); ALTER TABLE q ADD CONSTRAINT c CHECK (k > -1) NOT VALID; "
        "ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID; "
        "ALTER TABLE p ADD CONSTRAINT d CHECK (v > -1)",
        "ALTER TABLE p1 VALIDATE CONSTRAINT c; ALTER TABLE p3 VALIDATE CONSTRAINT c",
    ),
    "own-check-validated-in-a-grandchild": Change(
        "CREATE TABLE p (k integer, v integer); CREATE TABLE p1 () INHERITS (p); "
        "CREATE TABLE p2 () INHERITS (p1); ALTER TABLE p2 ADD CONSTRAINT c CHECK (k > -1) NOT VALID; "
        "ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID;",
        "ALTER TABLE p2 VALIDATE CONSTRAINT c",
    ),
    "check-validated-in-a-child-that-leaves": Change(
        "CREATE TABLE p (k integer, v integer); CREATE TABLE p1 () INHERITS (p); "
        "CREATE TABLE p2 () INHERITS (p1); ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID;",
        "ALTER TABLE p2 VALIDATE CONSTRAINT c; ALTER TABLE p1 NO INHERIT p",
    ),
    "check-validated-in-a-partition-that-leaves": Change(
        "CREATE TABLE p (k integer, v integer) PARTITION BY RANGE (k); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); "
        "ALTER TABLE p ADD CONSTRAINT c CHECK (k > -1) NOT VALID",
        "ALTER TABLE p1 VALIDATE CONSTRAINT c; ALTER TABLE p DETACH PARTITION p1; "
        "ALTER TABLE p2 VALIDATE CONSTRAINT c",
    ),
    "index-of-partitions-and-domain-of-one-name": Change(
        "CREATE DOMAIN o AS integer; CREATE TABLE p (k integer, v o) PARTITION BY RANGE (k); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE INDEX o ON p (v); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
    ),
    "constant-that-looks-like-a-list": Change(
        "CREATE TABLE t (b varchar)",
        "ALTER TABLE t ADD CHECK (b <> '(ARRAY[1])::integer[]' AND b IN ('x', 'it''s ['))",
    ),
    "name-of-a-key-that-another-table-took": Change(
        "CREATE TABLE t (id integer PRIMARY KEY, v integer UNIQUE)",
        "ALTER INDEX t_pkey RENAME TO k; ALTER TABLE t RENAME CONSTRAINT t_v_key TO w;"
        "CREATE TABLE u (id integer, v integer, CONSTRAINT t_pkey PRIMARY KEY (id), CONSTRAINT t_v_key UNIQUE (v))",
    ),
    "names-of-keys-that-two-tables-exchanged": Change(
        "CREATE TABLE t (id integer CONSTRAINT a PRIMARY KEY); CREATE TABLE u (id integer CONSTRAINT b PRIMARY KEY)",
        "ALTER INDEX a RENAME TO c; ALTER INDEX b RENAME TO a; ALTER INDEX c RENAME TO b",
    ),
    "collation-with-its-tables-name": Change(
        "CREATE TABLE x (a integer); GRANT SELECT ON x TO diff_role; COMMENT ON TABLE x IS 'x';"
        "CREATE COLLATION x (provider = libc, locale = 'POSIX')",
        "DROP COLLATION x; REVOKE ALL ON x FROM diff_role",
    ),
    "sequence-that-leaves-a-table-whose-rows-are-not-logged": keeps(
        "CREATE TABLE t (a serial); CREATE TABLE u (a integer); INSERT INTO t DEFAULT VALUES",
        "ALTER SEQUENCE t_a_seq OWNED BY u.a; ALTER TABLE t SET UNLOGGED",
        "SELECT a FROM t",
    ),
    "sequence-that-is-not-logged-like-its-table": Change(
        "CREATE TABLE t (a serial); CREATE UNLOGGED TABLE u (a serial); CREATE TABLE v (a serial, b serial)",
        "ALTER SEQUENCE t_a_seq OWNED BY NONE; ALTER TABLE t SET UNLOGGED; ALTER SEQUENCE t_a_seq OWNED BY t.a;"
        "ALTER TABLE u SET LOGGED; ALTER SEQUENCE u_a_seq SET UNLOGGED;"
        "ALTER TABLE v SET UNLOGGED; ALTER SEQUENCE v_a_seq SET LOGGED",
    ),
    "column-with-a-collation-of-its-tables-name": Change(
        "CREATE COLLATION x (provider = libc, locale = 'POSIX');"
        "CREATE TABLE x (a text COLLATE x, b text, CHECK (b > 'b' COLLATE x))",
        "DROP COLLATION x CASCADE; CREATE COLLATION x (provider = libc, locale = 'C');"
        "ALTER TABLE x ADD a text COLLATE x, ADD CHECK (b > 'b' COLLATE x)",
        hasnt="DROP TABLE|DROP COLUMN",
    ),
    "index-with-its-domains-name": Change(
        "CREATE DOMAIN x AS text; CREATE TABLE t (a text); CREATE INDEX x ON t ((a::x));"
        "CREATE COLLATION y (provider = libc, locale = 'POSIX'); CREATE VIEW y AS SELECT a COLLATE y AS a FROM t",
        "DROP DOMAIN x CASCADE; CREATE DOMAIN x AS varchar; CREATE INDEX x ON t ((a::x)); DROP COLLATION y CASCADE;"
        "CREATE COLLATION y (provider = libc, locale = 'C'); CREATE VIEW y AS SELECT a COLLATE y AS a FROM t",
    ),
    "functions-of-a-range-type": Change(
        "CREATE TYPE zz AS RANGE (SUBTYPE = integer);"
        "CREATE TABLE t (a integer, b integer, CHECK (NOT isempty(zz(a, b))));"
        "CREATE VIEW v AS SELECT lower(zz(a, b)) AS l FROM t; CREATE DOMAIN aa AS text DEFAULT zz(1, 2)::text;"
        "CREATE INDEX i ON t (isempty(zz_multirange(zz(a, b))))",
        "DROP TYPE zz CASCADE; CREATE TYPE zz AS RANGE (SUBTYPE = bigint);"
        "ALTER TABLE t ADD CONSTRAINT t_check CHECK (NOT isempty(zz(a, b)));"
        "CREATE VIEW v AS SELECT lower(zz(a, b))::integer AS l FROM t; CREATE DOMAIN aa AS text DEFAULT zz(1, 2)::text;"
        "CREATE INDEX i ON t (isempty(zz_multirange(zz(a, b))))",
    ),
    "functions-of-a-range-type-alone": Change(
        "CREATE TYPE zz AS RANGE (SUBTYPE = integer); CREATE DOMAIN aa AS text DEFAULT zz(1, 2)::text;"
        "CREATE TABLE t (a integer, b text DEFAULT zz_multirange(zz(1, 2))::text);"
        "CREATE FUNCTION a() RETURNS text LANGUAGE sql RETURN zz(1, 2)::text",
        "DROP FUNCTION a; DROP TABLE t; DROP DOMAIN aa; DROP TYPE zz; CREATE SEQUENCE s",
    ),
}  # fmt: skip


def run(db: Connection, script: str) -> None:
    """A label that was added can be used after its transaction only: `;;` stands for that."""
    for part in script.split(";;"):
        db.execute(part.encode())


def prepared(db: Connection, server: Server, roles: set[str], change: Change) -> None:
    """Commit before, which is a branch, and the change on branch main."""
    if "diff_role" in change.base + change.change:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute("CREATE ROLE diff_role")
        roles.add("diff_role")
    run(db, change.base)
    if change.base != "SELECT 1":
        db.execute("SELECT pggit.commit('before')")
    db.execute("SELECT pggit.create_branch('before')")
    run(db, change.change)
    db.execute("SELECT pggit.commit('after')")


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_script_and_checkout_make_is_the_other_schema(
    db: Connection, server: Server, template: str, roles: set[str], psql: Psql, name: str
) -> None:
    change = CHANGES[name]
    prepared(db, server, roles, change)
    rows = db.execute(change.rows[1]).fetchall()
    assert rows
    trees = {ref: one(db, "SELECT pggit.tree_of(%s)", ref) for ref in ("before", "main")}
    assert trees["before"] != trees["main"]

    def is_at(ref: str, query: str, how: object) -> None:
        assert one(db, "SELECT pggit.live_tree()") == trees[ref], how
        assert differences(db) == [], how
        assert db.execute(query).fetchall() == rows, how

    up, down = db.execute("SELECT * FROM pggit.generate_migration('before', 'main')").fetchall()[0]
    assert re.search(change.has, up), up
    assert not change.hasnt or not re.search(change.hasnt, up), up
    for script, ref, query in ((down, "before", change.rows[0]), (up, "main", change.rows[1])):
        psql(f"BEGIN;\n{script}\nCOMMIT;")
        is_at(ref, query, script)
        # from here on there is nothing to do
        assert one(db, "SELECT pggit.diff_sql('LIVE', %s)", ref) == ""
        assert db.execute("SELECT * FROM pggit.diff('LIVE', %s)", [ref]).fetchall() == []
    # the same from the same, whatever happened meanwhile
    assert one(db, "SELECT pggit.diff_sql('before', 'main')") == up
    assert one(db, "SELECT pggit.diff_sql('main', 'before')") == down
    for ref, query in (("before", change.rows[0]), ("main", change.rows[1])):
        result = db.execute("SELECT * FROM pggit.checkout(%s)", [ref]).fetchall()
        assert result
        is_at(ref, query, result)
    assert one(db, "SELECT count(*) FROM pggit.attic") == 0
    # and all of it in an empty database
    with built(server, template, psql, one(db, "SELECT pggit.export_ddl('LIVE')")) as copy:
        assert one(copy, "SELECT pggit.live_tree()") == trees["main"]
        assert differences(copy) == []


@contextmanager
def built(server: Server, template: str, psql: Psql, script: str) -> Iterator[Connection]:
    """An empty database in which the script ran."""
    with database(server, template) as copy:
        psql(f"BEGIN;\n{script}\nCOMMIT;", dbname=copy.info.dbname)
        yield copy


# What there is to see ------------------------------------------------------------------------------


def rows_of(db: Connection, a: str, b: str) -> set[tuple[str, str, str, str | None]]:
    query = "SELECT change, object_type, object, part FROM pggit.diff(%s, %s)"
    return set(db.execute(query, [a, b]).fetchall())


def test_diff_names_each_part_that_differs(db: Connection) -> None:
    db.execute("CREATE TABLE t (a integer, b text DEFAULT 'x', gone text); CREATE TABLE dropped (a integer)")
    db.execute("CREATE VIEW v AS SELECT a FROM t; CREATE TABLE same (a integer)")
    db.execute("SELECT pggit.commit('before'); SELECT pggit.tag('v1'); SELECT pggit.create_restore_point('then')")
    then = one(db, "SELECT clock_timestamp()::text")
    db.execute("ALTER TABLE t DROP gone, ADD come date, ADD PRIMARY KEY (a), ALTER b SET DEFAULT 'y'")
    db.execute("DROP TABLE dropped; CREATE SEQUENCE created; COMMENT ON VIEW v IS 'seen'; DROP VIEW v")
    wanted: set[tuple[str, str, str, str | None]] = {
        ("DROP", "TABLE", "public.t", "column gone"),
        ("CREATE", "TABLE", "public.t", "column come"),
        ("CREATE", "TABLE", "public.t", "constraint t_pkey"),
        ("CREATE", "TABLE", "public.t", "not null a"),
        ("ALTER", "TABLE", "public.t", "default b"),
        ("DROP", "TABLE", "public.dropped", None),
        ("CREATE", "SEQUENCE", "public.created", None),
        ("DROP", "VIEW", "public.v", None),
    }
    assert rows_of(db, "HEAD", "LIVE") == wanted
    db.execute("SELECT pggit.commit('after')")
    first = one(db, "SELECT hash FROM pggit.commits WHERE message = 'before'")
    for a in ("v1", "then", then, first, first[:9]):
        for b in ("HEAD", "main", "LIVE"):
            assert rows_of(db, a, b) == wanted, (a, b)
    turned = {"CREATE": "DROP", "DROP": "CREATE", "ALTER": "ALTER"}
    assert rows_of(db, "main", "v1") == {(turned[change], *rest) for change, *rest in wanted}
    states = db.execute("SELECT old_state, new_state FROM pggit.diff('v1', 'main') WHERE part = 'column come'")
    assert states.fetchall() == [(None, {"type": "date"})]
    # a row for whatever a script changes, and no script where there is no row
    assert one(db, "SELECT pggit.diff_sql('v1', 'then')") == ""
    assert rows_of(db, "v1", "then") == set()


def test_what_a_script_would_lose_it_says(db: Connection) -> None:
    db.execute("SELECT pggit.create_branch('empty'); CREATE TABLE t (a integer); SELECT pggit.commit('t')")
    db.execute("SELECT pggit.create_branch('short'); ALTER TABLE t ADD b text; SELECT pggit.commit('b')")
    assert "-- loses the rows of public.t\nDROP TABLE" in one(db, "SELECT pggit.diff_sql('main', 'empty')")
    assert "-- loses the values of public.t.b\n" in one(db, "SELECT pggit.diff_sql('main', 'short')")
    assert "-- loses" not in one(db, "SELECT pggit.diff_sql('empty', 'main')")


def test_a_range_type_leaves_a_schema_that_goes(db: Connection, psql: Psql) -> None:
    """Its functions stay where they were when PostgreSQL moves the type, and so would keep the schema."""
    db.execute("SELECT pggit.create_branch('empty'); CREATE TYPE r AS RANGE (SUBTYPE = float8)")
    db.execute(
        "CREATE TABLE t (a r, b r_multirange); INSERT INTO t VALUES ('[1,2]', '{[1,2]}'); SELECT pggit.commit('r')"
    )
    db.execute("SELECT pggit.create_branch('before'); CREATE SCHEMA s; ALTER TYPE r SET SCHEMA s")
    db.execute("SELECT pggit.commit('s.r'); SELECT * FROM pggit.checkout('empty', force => true)")
    db.execute("SELECT * FROM pggit.checkout('main'); INSERT INTO t VALUES ('[1,2]', '{[1,2]}')")
    down = one(db, "SELECT pggit.diff_sql('main', 'before')")
    psql(f"BEGIN;\n{down}\nCOMMIT;")
    assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('before')")
    db.execute("SELECT * FROM pggit.reset('main', force => true); SELECT * FROM pggit.checkout('before')")
    assert db.execute("SELECT a::text, b::text FROM t").fetchall() == [("[1,2]", "{[1,2]}")]
    assert differences(db) == []


def test_a_generated_column_becomes_a_plain_one_with_its_values(db: Connection, psql: Psql) -> None:
    db.execute("CREATE TABLE t (a integer, g integer GENERATED ALWAYS AS (a + 1) STORED); INSERT INTO t VALUES (1)")
    db.execute("SELECT pggit.commit('generated'); SELECT pggit.create_branch('before')")
    db.execute("ALTER TABLE t ALTER g DROP EXPRESSION; SELECT pggit.commit('plain')")
    up = one(db, "SELECT pggit.diff_sql('before', 'main')")
    assert "DROP EXPRESSION" in up
    assert "DROP COLUMN" not in up
    # back again its values are at stake: nobody knows that they are computed
    with pytest.raises(psycopg.DatabaseError, match=r"column public\.t\.g \(1 values\)"):
        db.execute("SELECT * FROM pggit.checkout('before')")
    db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    psql(f"BEGIN;\n{up}\nCOMMIT;")
    assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('main')")
    assert db.execute("SELECT * FROM t").fetchall() == [(1, 2)]


# What cannot be done is said, and changes nothing --------------------------------------------------


def state(db: Connection) -> object:
    return db.execute("SELECT pggit.live_tree(), pggit.resolve_ref('HEAD'), pggit.head_name()").fetchone()


@pytest.mark.parametrize(
    ("base", "change", "after", "sqlstate", "message"),
    [
        # PostgreSQL itself knows who leans on the function: an operator, which is not versioned
        (
            "SELECT 1",
            "CREATE FUNCTION f(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
            "CREATE OPERATOR === (FUNCTION = f, LEFTARG = integer, RIGHTARG = integer)",
            "SELECT 1",
            "2BP01",
            "f",
        ),
        # a label that rows have
        (
            "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (a mood)",
            "ALTER TYPE mood ADD VALUE 'ok'",
            "INSERT INTO t VALUES ('ok')",
            "22P02",
            "ok",
        ),
        # a partitioned table is made anew when its key's type is, but not where a sequence would begin anew
        (
            "CREATE TYPE mood AS ENUM ('sad');"
            "CREATE TABLE t (a mood, n integer GENERATED BY DEFAULT AS IDENTITY) PARTITION BY LIST (a)",
            "ALTER TYPE mood ADD VALUE 'ok'",
            "SELECT 1",
            "42P16",
            "partition key",
        ),
        (
            "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (a mood, n serial) PARTITION BY LIST (a)",
            "ALTER TYPE mood ADD VALUE 'ok'",
            "SELECT 1",
            "42P16",
            "partition key",
        ),
        # rows that do not satisfy what they have to
        (
            "CREATE TABLE t (a integer CHECK (a > 0))",
            "ALTER TABLE t DROP CONSTRAINT t_a_check",
            "INSERT INTO t VALUES (-1)",
            "23514",
            "t_a_check",
        ),
        (
            "CREATE TABLE t (a integer NOT NULL)",
            "ALTER TABLE t ALTER a DROP NOT NULL",
            "INSERT INTO t VALUES (NULL)",
            "23502",
            "a",
        ),
        (
            "CREATE TABLE t (a integer UNIQUE)",
            "ALTER TABLE t DROP CONSTRAINT t_a_key",
            "INSERT INTO t VALUES (1), (1)",
            "23505",
            "t_a_key",
        ),
        # a value that does not fit is an error and not cut
        (
            "CREATE TABLE t (a varchar(3))",
            "ALTER TABLE t ALTER a TYPE text",
            "INSERT INTO t VALUES ('four')",
            "22001",
            "varying(3)",
        ),
        (
            "CREATE TABLE t (a integer)",
            "ALTER TABLE t ALTER a TYPE text",
            "INSERT INTO t VALUES ('four')",
            "22P02",
            "four",
        ),
        (
            "CREATE TABLE t (a smallint)",
            "ALTER TABLE t ALTER a TYPE bigint",
            "INSERT INTO t VALUES (70000)",
            "22003",
            "smallint",
        ),
        (
            "CREATE TABLE p (a integer) PARTITION BY LIST (a); CREATE TABLE t PARTITION OF p FOR VALUES IN (1)",
            "ALTER TABLE p DETACH PARTITION t",
            "INSERT INTO t VALUES (2)",
            "23514",
            "t",
        ),
        # PostgreSQL renames a range type's functions with the type as little as it moves them
        (
            "CREATE TYPE r AS RANGE (SUBTYPE = integer); ALTER TYPE r RENAME TO s;"
            "CREATE VIEW v AS SELECT r(1, 2) AS x",
            "DROP VIEW v; DROP TYPE s",
            "SELECT 1",
            "42883",
            "r(integer, integer)",
        ),
        # PostgreSQL lets a function lose what it asks of one when the column or the index is made
        *(
            (
                "CREATE FUNCTION f(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';"
                f"CREATE TABLE t (a integer); {made}; ALTER FUNCTION f VOLATILE",
                "DROP TABLE t",
                "SELECT 1",
                "42P17",
                message,
            )
            for made, message in (
                ("ALTER TABLE t ADD b integer GENERATED ALWAYS AS (f(a)) STORED", "is not immutable"),
                ("CREATE INDEX ON t (f(a))", "must be marked IMMUTABLE"),
            )
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_changes_nothing(
    db: Connection, base: str, change: str, after: str, sqlstate: str, message: str
) -> None:
    db.execute(base.encode())
    if base != "SELECT 1":
        db.execute("SELECT pggit.commit('before')")
    db.execute("SELECT pggit.create_branch('before')")
    db.execute(change.encode())
    db.execute("SELECT pggit.commit('after')")
    db.execute(after.encode())
    before = state(db)
    with pytest.raises(psycopg.DatabaseError) as raised:
        db.execute("SELECT * FROM pggit.checkout('before', force => true)")
    assert raised.value.sqlstate == sqlstate
    assert message in str(raised.value)
    assert state(db) == before
    assert differences(db) == []
    assert one(db, "SELECT count(*) FROM pggit.attic") == 0


def test_tables_that_swapped_their_names_are_no_renames(db: Connection) -> None:
    """What is not seen through is refused: no row comes to stand in the wrong column."""
    db.execute("CREATE TABLE a (x integer); CREATE TABLE b (y text); SELECT pggit.commit('before')")
    db.execute("SELECT pggit.create_branch('before'); ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a")
    db.execute("ALTER TABLE c RENAME TO b; SELECT pggit.commit('after')")
    db.execute("INSERT INTO a VALUES ('x'); INSERT INTO b VALUES (1)")
    before = state(db)
    with pytest.raises(psycopg.DatabaseError, match=r"column public\.a\.y \(1 values\)") as raised:
        db.execute("SELECT * FROM pggit.checkout('before')")
    assert "column public.b.x (1 values)" in str(raised.value)
    assert state(db) == before


def test_an_operator_that_is_missing_is_named(db: Connection) -> None:
    """A view that comes back needs the operator that somebody dropped meanwhile, of which pgGit knows nothing."""
    db.execute("CREATE FUNCTION f(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    db.execute("CREATE OPERATOR === (FUNCTION = f, LEFTARG = integer, RIGHTARG = integer)")
    db.execute("SELECT pggit.commit('f'); SELECT pggit.create_branch('before')")
    db.execute("CREATE VIEW v AS SELECT 1 === 2 AS same; SELECT pggit.commit('v')")
    db.execute("SELECT * FROM pggit.checkout('before'); DROP OPERATOR === (integer, integer)")
    before = state(db)
    with pytest.raises(psycopg.errors.UndefinedFunction, match="==="):
        db.execute("SELECT * FROM pggit.checkout('main')")
    assert state(db) == before


# Scripts that stand alone --------------------------------------------------------------------------


COLUMNS = """
    SELECT attrelid::regclass::text, array_agg(attname ORDER BY attnum) FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped
      AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    GROUP BY attrelid ORDER BY 1"""


def test_an_export_keeps_the_order_of_columns(db: Connection, server: Server, template: str, psql: Psql) -> None:
    db.execute("CREATE TABLE t (z integer, a integer, m integer, gone integer); ALTER TABLE t DROP gone, ADD b text")
    db.execute(
        "CREATE TABLE u (z integer, a integer) PARTITION BY LIST (z); CREATE TABLE u1 (a integer, x text, z integer)"
    )
    db.execute("ALTER TABLE u1 DROP x; ALTER TABLE u ATTACH PARTITION u1 DEFAULT; ALTER TABLE u ADD b integer")
    db.execute("CREATE TABLE v (y integer) INHERITS (t); CREATE TYPE c AS (z integer, a text)")
    db.execute("CREATE VIEW w AS SELECT m, a, z FROM t; SELECT pggit.commit('order')")
    order = db.execute(COLUMNS).fetchall()
    with built(server, template, psql, one(db, "SELECT pggit.export_ddl()")) as copy:
        assert copy.execute(COLUMNS).fetchall() == order


def test_a_script_does_not_depend_on_the_session_that_asks_or_runs(db: Connection, psql: Psql) -> None:
    db.execute("SELECT pggit.create_branch('before')")
    db.execute("""CREATE TABLE t (d date DEFAULT '2026-02-01', i interval DEFAULT '1 day 2 hours',
        x float8 DEFAULT 0.1, b bytea DEFAULT '\\x00ff', s text DEFAULT 'a\\b', m money DEFAULT 1.5,
        n timestamptz DEFAULT '2026-02-01 00:00+00')""")
    db.execute("SELECT pggit.commit('after')")
    plain = one(db, "SELECT pggit.diff_sql('before', 'main')")
    settings = """SET DateStyle = 'German, DMY'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -10;
        SET bytea_output = 'escape'; SET TimeZone = 'Asia/Tokyo'; SET quote_all_identifiers = on;
        SET search_path = public; SET standard_conforming_strings = off; SET backslash_quote = on;
        SET escape_string_warning = off;"""
    db.execute(settings)
    assert one(db, "SELECT pggit.diff_sql('before', 'main')") == plain
    db.execute("RESET ALL; SELECT * FROM pggit.checkout('before')")
    psql(f"{settings}BEGIN;\n{plain}\nCOMMIT;")
    assert one(db, "SELECT pggit.live_tree()") == one(db, "SELECT pggit.tree_of('main')")


def test_a_secret_is_marked_and_not_written(db: Connection) -> None:
    db.execute("CREATE FOREIGN DATA WRAPPER w; SELECT pggit.create_branch('before')")
    db.execute(
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'db', password 'hunter2'); SELECT pggit.commit('s')"
    )
    script = one(db, "SELECT pggit.diff_sql('before', 'main')")
    assert "hunter2" not in script
    assert "-- an option whose value pgGit does not record: set it by hand\nCREATE SERVER s" in script
    assert "(not recorded)" in script


def test_the_ddl_of_one_object(db: Connection) -> None:
    db.execute(
        "CREATE SCHEMA s; CREATE TABLE s.t (z integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"A\" text DEFAULT 'x')"
    )
    db.execute(
        "CREATE INDEX i ON s.t (\"A\"); COMMENT ON COLUMN s.t.z IS 'key'; SELECT pggit.commit('one');"
        "SELECT pggit.tag('v1')"
    )
    kept, before = one(db, "SELECT pggit.object_ddl('s.t')"), one(db, "SELECT clock_timestamp()::text")
    db.execute('ALTER TABLE s.t DROP "A", ADD c integer')
    assert one(db, "SELECT pggit.object_ddl('s.t')") != kept
    for ref in ("HEAD", "v1", before):
        assert one(db, "SELECT pggit.object_ddl('s.t', %s)", ref) == kept
    blob = "SELECT blob FROM pggit.objects WHERE identity = 's.t' AND is_active"
    db.execute("SELECT * FROM pggit.reset('HEAD', force => true)")
    wanted = one(db, blob)
    db.execute("DROP TABLE s.t")
    db.execute(kept.encode())
    assert one(db, blob) == wanted
    db.execute("CREATE FUNCTION s.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    assert "CREATE OR REPLACE FUNCTION s.f(integer)" in one(db, "SELECT pggit.object_ddl('s.f(integer)')")
    with pytest.raises(psycopg.DatabaseError) as raised:
        db.execute("SELECT pggit.object_ddl('s.f(integer)', 'v1')")
    assert raised.value.sqlstate == "GT043"
