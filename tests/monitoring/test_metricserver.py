"""inv monitoring.serve: a real scrape over HTTP says what the database says."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psycopg
import psycopg.conninfo
import pytest
import yaml
from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from tasks.lib import metricserver, serverbuilds, servers
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server

parse_open: Callable[[str], Iterable[Metric]] = openmetrics_parser.text_string_to_metric_families


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with Server(serverbuilds.majors()[-1]) as server:
        server.createdb("app")
        with psycopg.connect(server.dsn("app"), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit; SELECT pggit.init(); CREATE TABLE t (id integer)")
        yield server.dsn("app")


def read(url: str, accept: str) -> str:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port)
    try:
        connection.request("GET", address.path, headers={"Accept": accept})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_what_is_served_is_what_the_database_says(dsn: str) -> None:
    url, stop = metricserver.serve(dsn, 0)
    try:
        classic = parser.text_string_to_metric_families(read(url, "text/plain"))
        served = {(s.name, frozenset(s.labels.items())): s.value for family in classic for s in family.samples}
        families = list(parse_open(read(url, "application/openmetrics-text; version=1.0.0")))
    finally:
        stop()
    with psycopg.connect(dsn) as db:
        said = {
            (name, frozenset(labels.items())): value
            for name, labels, value in db.execute("SELECT name, labels, value FROM pggit.metrics")
        }
    passing = "pggit_scrape_duration_seconds"
    assert {key: value for key, value in served.items() if key[0] != passing} == {
        key: value for key, value in said.items() if key[0] != passing
    }
    assert {family.name for family in families} >= {"pggit_changes", "pggit_ddl_duration_seconds", "pggit_info"}


def test_a_port_that_is_taken(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PggitError, match="cannot listen on"):
        metricserver.serve(dsn, taken.getsockname()[1])


def test_a_database_that_cannot_be_asked(dsn: str) -> None:
    with pytest.raises(PggitError, match="cannot be asked"):
        metricserver.serve(dsn.replace("'app'", "'postgres'"), 0)


@pytest.mark.parametrize("text", ["x", "-1", "65536", ""])
def test_no_port(text: str) -> None:
    with pytest.raises(UsageError, match="from 0 to 65535"):
        metricserver.parse_port(text)


def test_a_scrape_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with Server(serverbuilds.majors()[-1]) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as db:
            db.execute("CREATE EXTENSION pggit")
        url, stop = metricserver.serve(server.dsn(), 0)
        try:
            server.stop()
            answer = read(url, "text/plain")
        finally:
            stop()
    assert answer.startswith("the database cannot be asked: ")
    assert answer.count("\n") == 1
    assert capsys.readouterr().err == f"inv: {answer}"


def inv(*words: str, **environment: str) -> "subprocess.Popen[str]":
    """`inv monitoring.serve` as a process, with libpq's environment as given."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "monitoring.serve", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**servers.clean_environment(), **environment},
    )


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("by_environment", [False, True])
def test_the_task_serves_until_it_is_told_to_end(dsn: str, end: signal.Signals, by_environment: bool) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"}
    environment = {name: str(parts[part]) for name, part in names.items()} if by_environment else {}
    with inv("--port=0", *([] if by_environment else [f"--dsn={dsn}"]), **environment) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert "pggit_info{" in read(url, "text/plain")
            process.send_signal(end)
            assert process.communicate(timeout=60) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--port=x", "--dsn=dbname=app"], 2, "--port=x: give a number from 0 to 65535"),
        ([], 2, "give --dsn='host=… dbname=…', or libpq's environment: one of PGHOST, "),
        (["--dsn=nonsense"], 1, 'the database cannot be asked: missing "=" after "nonsense"'),
        (["--dsn=host=/nowhere dbname=app"], 1, "the database cannot be asked: connection is bad: "),
    ],
)
def test_what_the_task_cannot_do_is_one_line(words: list[str], code: int, said: str) -> None:
    with inv(*words) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err.startswith(f"inv: {said}")
    assert err.count("\n") == 1


def test_where_it_serves_is_where_the_scrape_configuration_looks() -> None:
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "scrape_serve.yml").read_text("utf-8"))
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    with inv("--dry-run", "--dsn=dbname=app") as process:
        assert process.communicate(timeout=60) == (f"would serve http://{target}/metrics\n", "")
