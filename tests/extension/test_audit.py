"""Seals: what was recorded is proven to be what it was."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused
from tests.extension.test_dump_restore import dump_and_restore


def audit(db: Connection, *known: str) -> list[tuple[Any, ...]]:
    call = "pggit.verify_audit(%s)" if known else "pggit.verify_audit()"
    return db.execute(f"SELECT seal, status, detail FROM {call}", known or None).fetchall()


def faults(db: Connection) -> list[str]:
    return [detail for _, status, detail in audit(db) if status == "broken"]


def fill(db: Connection) -> str:
    """Two seals, a commit, and something after; the second seal's digest."""
    db.execute("CREATE TABLE a (id integer); SELECT pggit.commit('a'); SELECT pggit.seal()")
    db.execute("ALTER TABLE a ADD COLUMN x text; CREATE VIEW v AS SELECT 1 AS one; SELECT pggit.commit('b')")
    digest: str = one(db, "SELECT pggit.seal()")
    db.execute("CREATE TABLE later (id integer)")
    return digest


def test_an_honest_trail_is_whole(db: Connection) -> None:
    assert [status for _, status, _ in audit(db)] == ["unsealed"]
    digest = fill(db)
    rows = audit(db, digest)
    assert [(seal, status) for seal, status, _ in rows] == [(1, "ok"), (2, "ok"), (None, "unsealed")]
    assert rows[2][2].startswith("1 rows")
    last = one(db, "SELECT pggit.seal()")
    assert [status for _, status, _ in audit(db)] == ["ok", "ok", "ok"]
    assert one(db, "SELECT pggit.seal()") == last
    assert one(db, "SELECT count(*) FROM pggit.seals") == 3
    assert audit(db, "0" * 64)[-1] == (None, "broken", "no seal has the digest " + "0" * 64)


TAMPERING = [
    "UPDATE pggit.history SET session_role = 'nobody' WHERE identity = 'public.v'",
    "UPDATE pggit.history SET created_at = created_at - interval '1 microsecond' WHERE identity = 'public.a'",
    "UPDATE pggit.history SET application_name = 'x' WHERE id = 1",
    "UPDATE pggit.history SET new_blob = old_blob WHERE change_type = 'ALTER'",
    "DELETE FROM pggit.history WHERE identity = 'public.v'",
    "UPDATE pggit.history SET id = 1000 WHERE identity = 'public.v'",
    "UPDATE pggit.blobs SET definition = '{}' WHERE identity = 'public.v'",
    "DELETE FROM pggit.blobs WHERE identity = 'public.v'",
    "UPDATE pggit.commits SET message = 'harmless' WHERE message = 'a'",
    "UPDATE pggit.commits SET author = 'nobody' WHERE message = 'a'",
    "DELETE FROM pggit.commits WHERE message = 'a'",
    "UPDATE pggit.trees SET children = substr(children, 1, 32) || children",
    "DELETE FROM pggit.trees WHERE hash = (SELECT tree FROM pggit.commits WHERE message = 'a')",
    "UPDATE pggit.branches SET head = repeat('0', 64)",
    "UPDATE pggit.seals SET sealed_by = 'nobody' WHERE id = 1",
    "DELETE FROM pggit.seals WHERE id = 1",
    "UPDATE pggit.seals SET row_count = row_count - 1 WHERE id = 1",
    "UPDATE pggit.seals SET covered = covered - '{[1,2)}'::int8multirange WHERE id = 1",
]


@pytest.mark.parametrize("statement", TAMPERING)
def test_what_a_superuser_edits_is_found(db: Connection, statement: str) -> None:
    fill(db)
    assert faults(db) == []
    db.execute("SET session_replication_role = replica")
    db.execute(statement)
    assert faults(db) != [], statement


def test_a_rewritten_chain_is_found_by_a_digest_kept_elsewhere(db: Connection) -> None:
    digest = fill(db)
    db.execute("SET session_replication_role = replica")
    db.execute("DELETE FROM pggit.seals; UPDATE pggit.history SET session_role = 'nobody' WHERE identity = 'public.v'")
    db.execute("SELECT pggit.seal()")
    assert faults(db) == []
    assert [row[1] for row in audit(db, digest)] == ["ok", "broken"]


def test_a_slow_transaction_is_the_next_seals(db: Connection, connect: Connect) -> None:
    slow = connect(autocommit=False)
    slow.execute("CREATE TABLE slow (id integer)")
    db.execute("CREATE TABLE quick (id integer); SELECT pggit.seal()")
    slow.commit()
    assert [(s, t) for s, t, _ in audit(db)] == [(1, "ok"), (None, "unsealed")]
    rolled_back = connect(autocommit=False)
    rolled_back.execute("CREATE TABLE never (id integer)")
    rolled_back.rollback()
    db.execute("CREATE TABLE last (id integer); SELECT pggit.seal()")
    assert [(s, t) for s, t, _ in audit(db)] == [(1, "ok"), (2, "ok")]
    covered = db.execute("SELECT covered::text FROM pggit.seals ORDER BY id").fetchall()
    assert covered == [("{[1,2),[3,4)}",), ("{[2,3),[5,6)}",)]


def test_seals_are_made_one_after_another(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE a (id integer)")
    first = connect(autocommit=False)
    first.execute("SELECT pggit.seal()")
    db.execute("SET lock_timeout = '50ms'")
    assert refused(db, "SELECT pggit.seal()") == "55P03"
    first.commit()
    old = connect(autocommit=False)
    old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    assert refused(old, "SELECT pggit.seal()") == "GT011"
    assert [status for _, status, _ in audit(db)] == ["ok"]


def test_settings_of_a_session_change_no_digest(db: Connection) -> None:
    fill(db)
    for setting in (
        "timezone = 'Asia/Tokyo'", "datestyle = 'German'", "extra_float_digits = 0", "quote_all_identifiers = on",
        "search_path = ''", "standard_conforming_strings = off", "application_name = 'other'",
    ):  # fmt: skip
        db.execute(f"SET {setting}")
    assert faults(db) == []


def test_a_later_column_leaves_old_seals_whole(db: Connection) -> None:
    fill(db)
    db.execute("ALTER TABLE pggit.history ADD COLUMN another numeric DEFAULT 7")
    db.execute("ALTER TABLE pggit.blobs ADD COLUMN extra text DEFAULT 'x'")
    assert faults(db) == []


def test_seals_hold_in_another_cluster(db: Connection, server: Server, tmp_path: Path) -> None:
    digest = fill(db)
    server.createdb("restored")
    try:
        dump_and_restore("custom", server, db.info.dbname, server, "restored", tmp_path)
        with psycopg.connect(server.dsn("restored"), autocommit=True) as fresh:
            assert audit(fresh, digest) == audit(db, digest)
            fresh.execute("CREATE TABLE more (id integer); SELECT pggit.seal()")
            assert [status for _, status, _ in audit(fresh, digest)] == ["ok", "ok", "ok"]
    finally:
        server.dropdb("restored")
