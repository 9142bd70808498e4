"""What a command costs does not grow with the schema: what it reads is counted, not how long it takes."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.extension.conftest import Connection, SuiteServer

# GRANT is not here: PostgreSQL does not say what was granted on, so pgGit looks for it (docs/errors.md).
COMMANDS = """
    CREATE TABLE a (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x', amount numeric CHECK (amount > 0))
    ALTER TABLE a ADD COLUMN extra integer
    ALTER TABLE a RENAME COLUMN name TO title
    CREATE INDEX i ON a (title)
    COMMENT ON COLUMN a.title IS 'x'
    CREATE VIEW v AS SELECT id, title FROM a
    CREATE MATERIALIZED VIEW m AS SELECT * FROM a
    CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'
    CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'
    CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION g()
    CREATE POLICY p ON a USING (true)
    CREATE TYPE e AS ENUM ('a')
    ALTER TYPE e ADD VALUE 'b'
    CREATE DOMAIN d AS integer CHECK (VALUE > 0)
    CREATE SEQUENCE s
    CREATE TABLE b (a_id bigint REFERENCES a, e e)
    CREATE SCHEMA other
    ALTER TABLE b SET SCHEMA other
    CREATE TABLE p (id integer) PARTITION BY LIST (id)
    CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)
    ALTER TABLE a OWNER TO CURRENT_USER
    CREATE TEMPORARY TABLE temporary (id integer)
    SELECT pggit.commit('half way')
    DROP VIEW v
    SELECT pggit.live_tree()
    SELECT * FROM pggit.tree_differences(pggit.tree_of('HEAD'), pggit.live_tree())
    DROP TABLE p
    DROP TABLE a CASCADE
    SELECT pggit.commit('all')
""".strip().splitlines()
READ = """
    SELECT schemaname || '.' || relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_all_tables"""
PASSES = 3
"""The first fills the session's caches; that one of the others finds them emptied (see rows_read) is no matter then."""


def rows_read(db: Connection) -> dict[str, Counter[str]]:
    """How many rows of each catalog and table a command reads, in the pass in which it reads the fewest.

    Of several passes: a session whose server has no room left for what it was not told yet of others' changes has all
    its caches emptied (sinvaladt.c in PostgreSQL), and the command that is next reads some 1,900 rows to fill them.
    """
    counts: dict[str, Counter[str]] = {}
    for _ in range(PASSES):
        with db.transaction(force_rollback=True):
            for command in map(str.strip, COMMANDS):
                with db.transaction():
                    before = read_so_far(db)
                    db.execute(command.encode())
                    after, own = read_so_far(db), read_so_far(db)
                read = after - before - (own - after)
                counts[command] = min(counts.get(command, read), read, key=Counter.total)
    return counts


def read_so_far(db: Connection) -> Counter[str]:
    return Counter(dict(db.execute(READ).fetchall()))


@pytest.fixture
def undisturbed(server: SuiteServer) -> Iterator[None]:
    """No autovacuum: its new statistics would have the query that counts read in another way in the middle."""
    for statement in ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"):
        server.admin.execute(statement)
    yield
    for statement in ("ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()"):
        server.admin.execute(statement)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("undisturbed")
def test_what_a_command_reads_does_not_grow_with_the_schema(db: Connection) -> None:
    small = rows_read(db)
    db.execute("SELECT pggit.pause()")
    db.execute("""DO $$ BEGIN FOR i IN 1 .. 800 LOOP
        EXECUTE format('CREATE TABLE t%s (id integer PRIMARY KEY, a text)', i); END LOOP; END $$""")
    db.execute("SELECT pggit.resume()")
    db.execute("SELECT pggit.rescan()")
    db.execute("SELECT pggit.commit('800 tables'); ANALYZE")
    large = rows_read(db)
    # An index page more here and there is no matter; each table read once would be 800 rows and more.
    assert {c: read - small[c] for c, read in large.items() if read.total() > small[c].total() + 200} == {}
