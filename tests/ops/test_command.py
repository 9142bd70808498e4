"""The `pggit` command, run as a user runs it: a process, its output, its exit code."""

import ast
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from prometheus_client import parser

from tasks.lib import serverbuilds, servers
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server

COMMAND = ROOT / "ops" / "bin" / "pggit"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A running server of the newest major, with pgGit in the databases app and fresh, and none in postgres."""
    with Server(serverbuilds.majors()[-1]) as running:
        for name in ("app", "fresh"):
            running.createdb(name)
            with psycopg.connect(running.dsn(name), autocommit=True) as db:
                db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
        with psycopg.connect(running.dsn("app"), autocommit=True) as db:
            db.execute("""
                INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, status)
                VALUES ('/b', 'full', now(), now(), now(), 'completed');
                CREATE ROLE stranger LOGIN; CREATE ROLE watching LOGIN; GRANT pg_monitor TO watching;
                SELECT pggit.grant_access('watching', 'reader')""")
        yield running


class Ran:
    """How a run of the command ended."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        """Run it."""
        result = subprocess.run(
            [sys.executable, str(COMMAND), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
        )
        self.code, self.out, self.err = result.returncode, result.stdout, result.stderr
        assert "Traceback" not in self.err


def pggit(server: Server, *arguments: str, db: str = "app", user: str = "watching", **more: str) -> Ran:
    """Run the command against that database, connecting as libpq's variables say."""
    environment = {
        **servers.clean_environment(),
        "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(server.socket_dir),
        "PGPORT": str(server.port),
        "PGUSER": user,
        "PGDATABASE": db,
        **more,
    }
    return Ran(*arguments, environment=environment)


def test_health_shows_a_line_a_check_and_exits_by_the_worst(server: Server) -> None:
    healthy = pggit(server, "health")
    assert (healthy.code, healthy.err) == (0, "")
    assert {line.split()[0] for line in healthy.out.splitlines()} == {"healthy"}
    warning = pggit(server, "health", db="fresh", user="postgres")
    assert warning.code == 1
    assert warning.out.splitlines()[0].split()[:2] == ["warning", "last_backup"]
    with psycopg.connect(server.dsn("fresh"), autocommit=True) as db:
        db.execute("ALTER EVENT TRIGGER pggit_sql_drop DISABLE")
        critical = pggit(server, "health", db="fresh", user="postgres")
        db.execute("ALTER EVENT TRIGGER pggit_sql_drop ENABLE")
    assert critical.code == 2
    assert critical.out.splitlines()[0].split()[:2] == ["critical", "event_triggers"]


def test_health_as_json(server: Server) -> None:
    ran = pggit(server, "health", "--json", "--verify")
    found = json.loads(ran.out)
    assert (found["status"], found["exit_code"], ran.code) == ("healthy", 0, 0)
    with psycopg.connect(server.dsn("app")) as db:
        names = [name for (name,) in db.execute("SELECT check_name FROM pggit.health_check(true)")]
    assert [check["check_name"] for check in found["checks"]] == names
    assert set(found["checks"][0]) == {"check_name", "status", "message", "details"}


def test_the_worst_status_is_the_whole_ones(server: Server) -> None:
    """Critical is worse than unhealthy, though both exit alike, and whichever check comes first."""
    server.createdb("worst")
    with psycopg.connect(server.dsn("worst"), autocommit=True) as db:
        db.execute("CREATE EXTENSION pggit; SELECT pggit.init()")
        db.execute("""
            INSERT INTO pggit.upgrade_log (
                from_version, to_version, started_at, status, run_by, backend_pid, backend_start)
            VALUES ('0', '9', now(), 'in_progress', 'x', 1, now());
            UPDATE pggit.settings SET value = '0.0.1' WHERE name = 'data_version'""")
    ran = pggit(server, "health", "--json", db="worst", user="postgres")
    found = json.loads(ran.out)
    assert [c["status"] for c in found["checks"] if c["check_name"] == "upgrades"] == ["unhealthy"]
    assert (found["status"], ran.code) == ("critical", 2)


def test_metrics_are_what_the_server_says(server: Server) -> None:
    ran = pggit(server, "metrics")
    assert ran.code == 0
    families = {family.name for family in parser.text_string_to_metric_families(ran.out)}
    assert {"pggit_info", "pggit_changes", "pggit_ddl_duration_seconds"} <= families
    assert pggit(server, "metrics", "--format=openmetrics").out.endswith("# EOF\n")
    rows = json.loads(pggit(server, "metrics", "--json", "--label=database=app").out)
    assert set(rows[0]) == {"name", "type", "help", "labels", "value"}
    assert {row["labels"]["database"] for row in rows} == {"app"}


def test_labels_are_added_to_every_number(server: Server) -> None:
    awkward = 'a "b" \\ c\nd'
    text = pggit(server, "metrics", f"--label=database={awkward}", "--label=site=x").out
    samples = [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
    assert len(samples) > 100
    assert {(sample.labels["database"], sample.labels["site"]) for sample in samples} == {(awkward, "x")}
    assert any(sample.labels.get("le") == "+Inf" for sample in samples)


def test_no_label_of_pggits_own_can_be_given_again(server: Server) -> None:
    rows = json.loads(pggit(server, "metrics", "--json").out)
    own = {label for row in rows for label in row["labels"]}
    assert {"check", "le", "level"} <= own
    for label in own:
        ran = pggit(server, "metrics", f"--label={label}=x")
        assert (ran.code, ran.out) == (3, ""), label


def test_a_textfile_is_there_whole_or_not_at_all(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "pggit.prom"
    assert pggit(server, "metrics", f"--textfile={path}").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    done = threading.Event()
    sizes = set()

    def read() -> None:
        while not done.is_set():
            sizes.add(path.read_text("utf-8").count("# TYPE pggit_"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        assert pggit(server, "metrics", f"--textfile={path}").code == 0
    done.set()
    reader.join()
    assert len(sizes) == 1
    before = path.read_bytes()
    assert pggit(server, "metrics", f"--textfile={path}", db="postgres").code == 3
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["pggit.prom"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "required: SUBCOMMAND"),
        (("helth",), "invalid choice: 'helth'"),
        (("health", "--verfy"), "unrecognized arguments: --verfy"),
        (("health", "--timeout=0"), "not a number of seconds from 1 to 3600"),
        (("metrics", "--format=xml"), "invalid choice: 'xml'"),
        (("metrics", "--textfile=/nowhere/x.prom"), "there is no folder /nowhere"),
        (("metrics", "--textfile=x.txt"), "names end in .prom"),
        (("metrics", "--textfile=x.prom", "--json"), "classic format alone"),
        (("metrics", "--label=x"), "give NAME=VALUE"),
        (("metrics", "--label=1=x"), "give NAME=VALUE"),
        (("metrics", "--label=le=x"), "take another name"),
        (("health", "--dbname=nowhere"), 'database "nowhere" does not exist'),
        (("health", "--host=/nowhere"), "No such file or directory"),
        (("health", "--dbname=postgres"), "CREATE EXTENSION pggit;"),
        (("health", "--username=stranger"), "pggit.grant_access('…', 'reader')"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_3(server: Server, arguments: tuple[str, ...], says: str) -> None:
    ran = pggit(server, *arguments)
    assert ran.code == 3
    assert ran.out == ""
    (line,) = [line for line in ran.err.splitlines() if not line.startswith(("usage:", " "))]
    assert line.startswith("pggit")
    assert says in line


def test_an_older_pggit_is_named(server: Server) -> None:
    server.createdb("old")
    with psycopg.connect(server.dsn("old"), autocommit=True) as db:
        db.execute("CREATE EXTENSION pggit VERSION '0.1.0'")
    assert "CALL pggit.upgrade();" in pggit(server, "health", db="old", user="postgres").err


def test_a_lock_is_not_waited_for(server: Server) -> None:
    with psycopg.connect(server.dsn("app")) as db:
        db.execute("LOCK TABLE pggit.settings")
        ran = pggit(server, "health")
    assert (ran.code, ran.err) == (2, "")
    assert "the check itself failed: canceling statement due to lock timeout" in ran.out


def test_without_psql(server: Server, tmp_path: Path) -> None:
    ran = pggit(server, "health", PATH=str(tmp_path))
    assert ran.code == 3
    assert "psql is not on PATH" in ran.err


def test_help_names_everything(server: Server) -> None:
    assert "exit 0 healthy, 1 warning" in pggit(server, "--help").out
    for subcommand in ("health", "metrics"):
        ran = pggit(server, subcommand, "--help")
        assert ran.code == 0
        assert "--host HOST" in ran.out


def test_a_closed_pipe_is_no_traceback(server: Server) -> None:
    words = f"{sys.executable} {COMMAND} metrics -h {server.socket_dir} -d app -U watching | head -n 1"
    environment = {**servers.clean_environment(), "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(["sh", "-c", words], capture_output=True, text=True, env=environment)
    assert result.stdout.startswith("# HELP")
    assert result.stderr == ""


@pytest.mark.parametrize("path", [*sorted((ROOT / "ops").rglob("*.py")), COMMAND], ids=lambda path: path.name)
def test_it_runs_on_the_oldest_python_and_needs_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    imported = {
        (name.split(".")[0])
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names | {"pggit"}
