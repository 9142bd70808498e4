"""inv monitoring.serve: a real scrape over HTTP says what the database says."""

import socket
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psycopg
import pytest
from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from tasks.lib import metricserver, serverbuilds
from tasks.lib.errors import PggitError, UsageError
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
