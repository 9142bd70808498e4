"""The fixtures that every other test here stands on."""

import psycopg
import pytest

from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Connection, Psql


def test_server_is_the_major_asked_for(pg: str, bare_db: Connection) -> None:
    assert bare_db.info.server_version // 10000 == int(pg)


def test_bare_db_has_the_extension_at_hand_but_not_created(bare_db: Connection) -> None:
    row = bare_db.execute(
        "SELECT default_version = extversion FROM pg_available_extensions"
        " LEFT JOIN pg_extension ON extname = name WHERE name = 'pggit'"
    ).fetchone()
    assert row == (None,)


def test_db_records_from_the_start(db: Connection) -> None:
    db.execute("CREATE TABLE recorded ()")
    assert db.execute("SELECT change_type, identity FROM pggit.history ORDER BY id DESC LIMIT 1").fetchone() == (
        "CREATE",
        "public.recorded",
    )


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_fresh_database(turn: int, bare_db: Connection) -> None:
    bare_db.execute("CREATE TABLE only_once ()")


def test_connect_makes_ordinary_roles(bare_db: Connection, connect: Connect) -> None:
    row = connect(role='odd "name"').execute("SELECT current_user, current_database()").fetchone()
    assert row == ('odd "name"', bare_db.info.dbname)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(role="plain").execute("CREATE ROLE other")


@pytest.mark.parametrize("turn", [1, 2])
def test_roles_end_with_their_test(turn: int, bare_db: Connection, connect: Connect) -> None:
    found = bare_db.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'short_lived'").fetchone()
    assert found == (0,)
    bare_db.execute("GRANT CREATE ON SCHEMA public TO public")
    connect(role="short_lived").execute("CREATE TABLE keeps_its_owner_busy ()")


def test_psql_prints_rows_and_stops_at_errors(bare_db: Connection, psql: Psql) -> None:
    assert psql("SELECT 1, 'two'") == "1|two\n"
    assert "does not exist" in psql("SELECT nowhere.nothing(); SELECT 2", check=False)
    with pytest.raises(AssertionError, match="syntax error"):
        psql("SELEKT")


def test_nobody_but_the_run_can_reach_the_server(server: Server) -> None:
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
