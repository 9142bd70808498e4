"""archive_history(): the old part of the history moves, and nothing that was known is forgotten."""

import psycopg
import pytest

from tests.extension.conftest import Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_tracked_kinds import differences

ALL_ROWS = "SELECT array_agg(to_jsonb(h) ORDER BY h.id) FROM {} h"


@pytest.fixture
def past(db: Connection) -> list[tuple[str, str]]:
    """Moments, each with the tree of the schema at it; between them some of every kind of change."""
    moments = []
    for statement in (
        "CREATE TABLE a (id integer); CREATE VIEW v AS SELECT id FROM a",
        "ALTER TABLE a RENAME TO b",
        "ALTER TABLE b ADD COLUMN x text; COMMENT ON TABLE b IS 'second'",
        "ALTER TABLE b RENAME COLUMN x TO y",
        "DROP VIEW v",
        "CREATE TABLE later (id integer)",
    ):
        db.execute(statement)
        moments.append((one(db, "SELECT clock_timestamp()::text"), one(db, "SELECT pggit.live_tree()")))
    return moments


def test_nothing_is_forgotten(db: Connection, past: list[tuple[str, str]]) -> None:
    questions = (
        ALL_ROWS.format("pggit.history"),
        "SELECT array_agg(to_jsonb(h)) FROM pggit.get_history('public.b') h",
        "SELECT array_agg(to_jsonb(v)) FROM pggit.get_version('public.b') v",
        "SELECT array_agg(to_jsonb(b)) FROM pggit.blame('public.b') b",
    )
    digest = one(db, "SELECT pggit.seal()")
    asked = [one(db, question) for question in questions]
    for moment, _ in past[:-1]:
        assert one(db, "SELECT pggit.archive_history(%s::timestamptz)", moment) > 0
        assert [one(db, question) for question in questions] == asked
        for then, tree in past:
            assert one(db, "SELECT pggit.tree_at(%s::timestamptz)", then) == tree
        assert {row[0] for row in db.execute("SELECT status FROM pggit.verify_audit(%s)", [digest])} == {"ok"}
        left = "SELECT min(created_at) >= %s::timestamptz FROM ONLY pggit.history"
        assert one(db, left, moment)
        assert one(db, "SELECT pggit.archive_history(%s::timestamptz)", moment) == 0
    assert one(db, "SELECT count(*) FROM ONLY pggit.history") == 1
    # Renames are still known: a column that went back to its old name keeps its values.
    db.execute("INSERT INTO b VALUES (1, 'kept')")
    script = one(db, "SELECT pggit.diff_sql('LIVE', %s)", past[2][0])
    assert "RENAME COLUMN y TO x" in script
    assert differences(db) == []


def test_a_seal_covers_what_was_archived_before_it(db: Connection, past: list[tuple[str, str]]) -> None:
    count = one(db, "SELECT count(*) FROM pggit.history")
    assert one(db, "SELECT pggit.archive_history(%s::timestamptz)", past[3][0]) > 0
    db.execute("SELECT pggit.seal()")
    assert one(db, "SELECT row_count FROM pggit.seals") == count
    assert one(db, "SELECT status FROM pggit.verify_audit()") == "ok"
    db.execute("SET session_replication_role = replica; UPDATE pggit.history_archive SET session_role = 'nobody'")
    assert one(db, "SELECT status FROM pggit.verify_audit()") == "broken"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE pggit.history_archive SET id = id", "DELETE FROM pggit.history_archive", "TRUNCATE pggit.history_archive"],
)
def test_the_archive_only_grows(db: Connection, past: list[tuple[str, str]], statement: str) -> None:
    db.execute("SELECT pggit.archive_history(clock_timestamp())")
    rows = one(db, ALL_ROWS.format("pggit.history_archive"))
    assert rows
    assert refused(db, statement) == "GT002"
    assert one(db, ALL_ROWS.format("pggit.history_archive")) == rows


@pytest.mark.parametrize("moment", ["NULL", "now() + interval '1 hour'", "'infinity'"])
def test_only_the_past_is_archived(db: Connection, moment: str) -> None:
    with pytest.raises(psycopg.Error, match="cannot be archived") as raised:
        db.execute(f"SELECT pggit.archive_history({moment})")
    assert raised.value.sqlstate == "GT014"
    assert one(db, "SELECT count(*) FROM pggit.history_archive") == 0


def test_commands_go_on_while_it_is_archived(db: Connection, past: list[tuple[str, str]]) -> None:
    """It takes nobody's lock: a command in the middle of it is recorded at once."""
    with psycopg.connect(db.info.dsn) as other:
        other.execute("SELECT pggit.archive_history(%s::timestamptz)", [past[2][0]])
        db.execute("SET lock_timeout = '2s'; CREATE TABLE beside (id integer)")
        assert one(db, "SELECT count(*) FROM pggit.unsettled") == 0
        assert one(db, "SELECT count(*) FROM pggit.history WHERE identity = 'public.beside'") == 1
        assert one(db, "SELECT pggit.tree_at(%s::timestamptz)", past[0][0]) == past[0][1]
    assert differences(db) == []
    assert one(db, "SELECT pggit.tree_at(%s::timestamptz)", past[0][0]) == past[0][1]
