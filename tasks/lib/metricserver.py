"""Serves pgGit's numbers over HTTP, for development: each scrape asks the database.

prometheus_client writes the text, in the format that the scraper asks for; it is a second way to the same numbers,
beside pggit.prometheus_metrics().
"""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tasks.lib.errors import PggitError, UsageError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from prometheus_client import CollectorRegistry, Metric

_LOOPBACK = "127.0.0.1"
_PARTS = re.compile(r"_(bucket|sum|count)$")
_PLACES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
_ENDS = {signal.SIGINT, signal.SIGTERM}


class Collector:
    """What prometheus_client asks at each scrape: one short connection, one query."""

    def __init__(self, dsn: str) -> None:
        """Take note of the database, as libpq's connection string; nothing is asked yet."""
        self._dsn = dsn

    def describe(self) -> Iterator["Metric"]:
        """No list in advance, so that registering asks nothing."""
        return iter(())

    def collect(self) -> Iterator["Metric"]:
        """Every family. Raises PggitError where the database cannot be asked."""
        import psycopg
        from prometheus_client import Metric

        query = "SELECT name, type, help, labels, value FROM pggit.metrics"
        try:
            with psycopg.connect(self._dsn, connect_timeout=10) as connection:
                rows = connection.execute(query).fetchall()
        except psycopg.Error as error:
            raise PggitError(f"the database cannot be asked: {str(error).splitlines()[0]}") from error
        families: dict[str, Any] = {}
        for name, kind, explained, labels, value in rows:
            family = _PARTS.sub("", name) if kind == "histogram" else name.removesuffix("_total")
            metric = families.setdefault(family, Metric(family, explained, kind))
            metric.add_sample(name, {key: str(text) for key, text in labels.items()}, value)
        yield from families.values()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def _application(registry: "CollectorRegistry") -> "WSGIApplication":
    """prometheus_client's, but that a scrape that fails is one line here and the reason there."""
    from prometheus_client import make_wsgi_app

    inner = make_wsgi_app(registry)

    def answer(environment: "WSGIEnvironment", start: "StartResponse") -> "Iterable[bytes]":
        try:
            whole: Iterable[bytes] = inner(environment, start)
        except PggitError as error:
            print(f"inv: {error}", file=sys.stderr, flush=True)
            start("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{error}\n".encode()]
        return whole

    return answer


def serve(dsn: str, port: int) -> tuple[str, Callable[[], None]]:
    """Serve the database's numbers on loopback; port 0 takes a free one.

    Returns the URL and what ends it. Raises PggitError where the port is taken or the database cannot be asked.
    """
    from prometheus_client import CollectorRegistry

    collector = Collector(dsn)
    for _ in collector.collect():  # a wrong connection string is told now, not at the first scrape
        break
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server = make_server(_LOOPBACK, port, _application(registry), _Server, _Handler)
    except OSError as error:
        raise PggitError(f"cannot listen on {_LOOPBACK}:{port}: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    # The thread, and those of requests, inherit this: signals are for the main one, which may wait for them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    thread.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return f"http://{_LOOPBACK}:{server.server_port}/metrics", stop


def serve_until_ended(dsn: str, port: int, ready: Callable[[str], object]) -> None:
    """Serve as `serve` does, tell `ready` the URL, and return at SIGINT (Ctrl-C) or SIGTERM. Raises as `serve` does."""
    url, stop = serve(dsn, port)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        ready(url)
        signal.sigwait(_ENDS)
    finally:
        stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def require_database(dsn: str) -> None:
    """Raises UsageError where neither `dsn` nor libpq's environment names a database."""
    if not dsn and not any(os.environ.get(name) for name in _PLACES):
        raise UsageError(f"give --dsn='host=… dbname=…', or libpq's environment: one of {', '.join(_PLACES)}")


def parse_port(text: str) -> int:
    """A port number from 0 (any that is free) to 65535. Raises UsageError."""
    if not text.isdecimal() or int(text) > 65535:
        raise UsageError(f"--port={text}: give a number from 0 to 65535")
    return int(text)
