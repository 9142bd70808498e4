"""Each way from pgGit to Prometheus, with the real programs, as a role that may only look."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql

from tasks.lib import metricserver, promtools, serverbuilds, servers
from tasks.lib.paths import ROOT
from tasks.lib.prometheus import Prometheus
from tasks.lib.servers import Server
from tests.monitoring import programs

DATABASES = ("app", "shop")
ROLE = "pggit_monitor"
README = ROOT / "monitoring" / "README.md"
QUERIES = ROOT / "monitoring" / "postgres_exporter" / "queries.yaml"
OF_TARGETS = {"__name__", "instance", "job", "database", "server"}
RESTLESS = {"pggit_scrape_duration_seconds", "pggit_storage_bytes"}
"""Metrics that differ from one look to the next."""

Sample = tuple[str, frozenset[tuple[str, str]]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with pgGit in two databases, and a role as monitoring/README.md makes it."""
    with Server(serverbuilds.majors()[-1]) as running:
        for name in DATABASES:
            running.createdb(name)
            with psycopg.connect(running.dsn(name), autocommit=True) as db:
                db.execute("CREATE EXTENSION pggit")
                db.execute("SELECT pggit.init()")
                db.execute(sql.SQL("CREATE TABLE {} (id integer PRIMARY KEY)").format(sql.Identifier(name)))
                if name == DATABASES[0]:
                    db.execute(f"CREATE ROLE {ROLE} LOGIN")
                    db.execute(f"GRANT pg_monitor TO {ROLE}")
                db.execute("SELECT pggit.grant_access(%s, 'reader')", [ROLE])
                db.execute("SELECT pggit.record_metric(%s, 2)", ['so "called" \\ type'])
        yield running


def expected(server: Server, database: str) -> dict[Sample, float]:
    """What the database itself says, as the role sees it."""
    with psycopg.connect(server.dsn(database, ROLE)) as db:
        rows = db.execute("SELECT name, labels, value FROM pggit.metrics").fetchall()
    return {(name, frozenset(labels.items())): value for name, labels, value in rows}


def scraped(watching: Prometheus, database: str) -> dict[Sample, float]:
    """What Prometheus has of it."""
    rows = programs.query(watching, f'{{__name__=~"pggit_.+", database="{database}"}}')
    return {
        (labels["__name__"], frozenset((key, value) for key, value in labels.items() if key not in OF_TARGETS)): value
        for labels, value in rows
    }


def assert_all_arrives(watching: Prometheus, server: Server) -> None:
    for database in DATABASES:
        there = expected(server, database)
        arrived = programs.until(lambda database=database: scraped(watching, database))  # type: ignore[misc]
        assert arrived.keys() == there.keys()
        assert len(there) > 150
        for sample, value in there.items():
            assert sample[0] in RESTLESS or arrived[sample] == pytest.approx(value, rel=1e-9), sample


def write_textfile(server: Server, database: str, path: Path) -> None:
    """Let the `pggit` command write the file that node_exporter reads."""
    command = [sys.executable, str(ROOT / "ops" / "bin" / "pggit"), "metrics", f"--textfile={path}"]
    command += [f"--label=database={database}", f"--dbname={server.dsn(database, ROLE)}"]
    environment = {**servers.clean_environment(), "PATH": f"{server.bin}:{os.environ['PATH']}"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_textfile_of_node_exporter(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    for database in DATABASES:
        write_textfile(server, database, folder / f"pggit-{database}.prom")
    with ExitStack() as opened:
        address = opened.enter_context(programs.textfile_collector(folder, tmp_path / "exporter.log"))
        config = {"scrape_configs": programs.scrape("node_exporter", address)}
        watching = opened.enter_context(programs.watching(config, tmp_path))
        assert_all_arrives(watching, server)
        assert programs.query(watching, "node_textfile_scrape_error")[0][1] == 0
        ages = programs.query(watching, 'node_textfile_mtime_seconds{file=~"(.*/)?pggit[^/]*[.]prom"}')
        assert len(ages) == len(DATABASES)


def flags() -> list[str]:
    """The flags that monitoring/README.md gives the exporter, but for the file's place."""
    block = re.search(
        r"^    prometheus-postgres-exporter (.+?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert block is not None
    return [word for word in shlex.split(block[1].replace("\\\n", " ")) if "query-path" not in word]


def test_postgres_exporter(server: Server, tmp_path: Path) -> None:
    address = f"127.0.0.1:{programs.free_port()}"
    exporter: list[str | Path] = [
        promtools.find("prometheus-postgres-exporter"),
        f"--extend.query-path={QUERIES}",
        *flags(),
        f"--web.listen-address={address}",
    ]
    where = f"host={server.socket_dir} port={server.port} user={ROLE} sslmode=disable"
    names = {"DATA_SOURCE_NAME": ",".join(f"{where} dbname={database}" for database in DATABASES)}
    config = {"scrape_configs": programs.scrape("postgres_exporter", address)}
    with (
        programs.running(exporter, f"http://{address}/", tmp_path / "exporter.log", names),
        programs.watching(config, tmp_path) as watching,
    ):
        assert_all_arrives(watching, server)
        assert {value for _, value in programs.query(watching, "pg_exporter_user_queries_load_error")} == {0.0}


def test_serve(server: Server, tmp_path: Path) -> None:
    with ExitStack() as opened:
        (job,) = programs.scrape("serve", "")
        job["static_configs"] = []
        for database in DATABASES:
            url, stop = metricserver.serve(server.dsn(database, ROLE), 0)
            opened.callback(stop)
            address = url.removeprefix("http://").removesuffix("/metrics")
            job["static_configs"].append({"targets": [address], "labels": {"database": database}})
        watching = opened.enter_context(programs.watching({"scrape_configs": [job]}, tmp_path))
        assert_all_arrives(watching, server)


def test_queries_say_of_each_family_what_pggit_says(server: Server) -> None:
    with psycopg.connect(server.dsn(DATABASES[0], ROLE)) as db:
        families = db.execute("SELECT family, upper(kind), help FROM pggit.metric_families()").fetchall()
    described = [
        (f"{namespace}_{column}".removesuffix("_value"), facts["usage"], facts.get("description"))
        for namespace, query in yaml.safe_load(QUERIES.read_text("utf-8")).items()
        for metric in query["metrics"]
        for column, facts in metric.items()
        if facts["usage"] != "LABEL"
    ]
    assert sorted(described) == sorted(families)


def test_one_scrape_of_the_exporter_works_everything_out_once_and_each_family_once_more(server: Server) -> None:
    calls = "SELECT funcname, calls FROM pg_stat_user_functions"
    with psycopg.connect(server.dsn(DATABASES[0]), autocommit=True) as db:
        db.execute("SET track_functions = 'all'")
        db.execute("SELECT pg_stat_force_next_flush()")
        before: dict[str, int] = dict(db.execute(calls).fetchall())
        for query in yaml.safe_load(QUERIES.read_text("utf-8")).values():
            db.execute(query["query"].encode())
        db.execute("SELECT pg_stat_force_next_flush()")
        after: dict[str, int] = dict(db.execute(calls).fetchall())
    made = {name: after[name] - before.get(name, 0) for name in ("health_check", "read_catalog", "storage")}
    # once with everything, once for the health checks; the sizes a third time, for their own family
    assert made == {"health_check": 2, "read_catalog": 2, "storage": 3}


@pytest.mark.parametrize("way", ["node_exporter", "postgres_exporter", "serve"])
def test_scrape_configurations_are_valid(way: str) -> None:
    config = programs.SCRAPES / f"scrape_{way}.yml"
    command: list[str | Path] = [promtools.find("promtool"), "check", "config", "--lint-fatal", config]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = [job["job_name"] for job in yaml.safe_load(config.read_text("utf-8"))["scrape_configs"]]
    assert all(job.startswith("pggit") for job in jobs), "PggitTargetDown asks for up of such jobs"
