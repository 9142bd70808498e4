"""ops/MONITORING.md: as the generator makes it, whole, and with SQL that works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from tasks import monitoring
from tasks.lib import alertcheck, checkedyaml, dashboards, paths, runbook, serverbuilds
from tasks.lib.errors import PggitError
from tasks.lib.servers import Server

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def db() -> Iterator[Connection]:
    """A database in use: a table, something uncommitted, a restore point."""
    with Server(serverbuilds.majors()[-1]) as server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pggit")
        connection.execute("SELECT pggit.init()")
        connection.execute("CREATE TABLE in_use (id integer PRIMARY KEY)")
        connection.execute("SELECT pggit.create_restore_point('before_release')")
        yield connection


@pytest.fixture(scope="module")
def page() -> str:
    return runbook.PAGE.read_text("utf-8")


def test_the_page_is_what_the_generator_makes(db: Connection, page: str) -> None:
    assert runbook.render(db) == page, "./inv monitoring.runbook makes it anew"


def test_every_sql_statement_works(db: Connection, page: str) -> None:
    statements = list(runbook.statements(page))
    assert len(statements) > 50
    for statement in statements:
        assert statement.endswith(";"), statement
        try:
            db.execute(statement.encode())
        except psycopg.Error as error:
            pytest.fail(f"{statement}\n{error}")


def test_all_messages_and_links_lead_to_headings(db: Connection, page: str) -> None:
    headings = runbook.anchors(page)
    query = "SELECT check_name FROM pggit.health_checks() UNION SELECT family FROM pggit.metric_families()"
    assert {name for (name,) in db.execute(query)} <= headings
    assert {alert.name.lower() for alert in alertcheck.alerts()} <= headings
    # what the messages of health_check() name
    sources = "SELECT string_agg(prosrc, '') FROM pg_proc WHERE pronamespace = 'pggit'::regnamespace"
    (text,) = db.execute(sources).fetchone() or ("",)
    named = {part.split()[0].strip(",:;'.") for part in text.split("ops/MONITORING.md, ")[1:]}
    assert named == {"storage_size", "last_backup", "verified_backup", "audit_verify"}
    assert named <= headings
    assert runbook.broken_links(page) == []


def test_a_link_to_nothing_is_found() -> None:
    assert runbook.broken_links("# A b\n[x](#a-b) [y](#gone) [z](other.md#gone)\n") == ["gone"]


def test_a_hash_in_code_is_no_heading() -> None:
    assert runbook.anchors("# One, `two`!\n```sh\n# three\n```\n") == {"one-two"}


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("alerts", "monitoring/runbook.yaml says nothing of the alert PggitTrackingOff"),
        ("metrics", "monitoring/runbook.yaml says nothing of the metric pggit_info"),
        ("checks", "monitoring/runbook.yaml says nothing of the check tracking$"),
    ],
)
def test_what_the_source_leaves_out_is_an_error(
    db: Connection, monkeypatch: pytest.MonkeyPatch, what: str, fault: str
) -> None:
    texts = checkedyaml.load(runbook.SOURCE, runbook.SCHEMA)
    entries = texts["groups"][0]["checks"] if what == "checks" else texts[what]
    del entries[{"alerts": "PggitTrackingOff", "metrics": "pggit_info", "checks": "tracking"}[what]]
    monkeypatch.setattr(checkedyaml, "load", lambda *_: texts)
    with pytest.raises(PggitError, match=fault):
        runbook.render(db)


def test_what_the_source_has_too_much_is_an_error(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = checkedyaml.load(runbook.SOURCE, runbook.SCHEMA)
    texts["metrics"]["pggit_more"] = {"means": "x", "do": "y"}
    monkeypatch.setattr(checkedyaml, "load", lambda *_: texts)
    with pytest.raises(PggitError, match="there is no metric pggit_more"):
        runbook.render(db)


def test_a_page_that_differs_is_told_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(runbook, "PAGE", tmp_path / "MONITORING.md")
    monkeypatch.setattr(runbook, "make", lambda: "# New\n")
    runbook.PAGE.write_text("# Old\n", "utf-8")

    def said(**options: bool) -> str:
        monitoring.runbook(Context(), **options)
        return capsys.readouterr().out

    assert said(dry_run=True) == "MONITORING.md differs from its sources\n"
    with pytest.raises(
        Exit, match=r"MONITORING\.md is not as its sources have it; \./inv monitoring\.runbook makes it"
    ):
        said(check=True)
    assert runbook.PAGE.read_text("utf-8") == "# Old\n"
    capsys.readouterr()
    assert said() == "MONITORING.md\n"
    assert runbook.PAGE.read_text("utf-8") == "# New\n"
    assert [said(), said(check=True), said(dry_run=True)] == ["nothing to do\n"] * 3


MIRRORED = {
    "Size": ("1048576 * {storage_warning_mb}", "1048576 * {storage_critical_mb}"),
    "Size in 30 days": ("1048576 * {storage_warning_mb}", "1048576 * {storage_critical_mb}"),
    "Since the last seal": ("86400 * {seal_after_days}", None),
    "Since the last backup": ("3600 * {backup_after_hours}", "2 * 3600 * {backup_after_hours}"),
    "Since a backup was proven": (
        "86400 * {verified_backup_after_days}",
        "2 * 86400 * {verified_backup_after_days}",
    ),
}
"""Panels whose colours are those of a health check: from where on they are yellow, and red."""


def test_the_dashboards_colours_are_the_health_checks_limits(db: Connection) -> None:
    """A panel cannot ask for what is configured: it shows what health_check() says by default."""
    defaults: dict[str, str] = dict(
        db.execute("SELECT setting, default_value || '::numeric' FROM pggit.monitoring_settings()").fetchall()
    )
    shown = {p.title: p.thresholds for board in dashboards.load() for p in board.panels if p.thresholds is not None}
    for title, limits in MIRRORED.items():
        wanted = {}
        for colour, limit in zip(("yellow", "red"), limits, strict=True):
            if limit is not None:
                row = db.execute(f"SELECT ({limit.format(**defaults)})::float8".encode()).fetchone()
                wanted[colour] = row[0] if row else None
        assert shown[title] == wanted, title
