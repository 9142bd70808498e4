"""Serves pgGit's numbers over HTTP, for development: each scrape asks the database.

prometheus_client writes the text, in the format that the scraper asks for; it is a second way to the same numbers,
beside pggit.prometheus_metrics().
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tasks.lib.errors import PggitError, UsageError

if TYPE_CHECKING:
    from prometheus_client import Metric

_LOOPBACK = "127.0.0.1"
_PARTS = re.compile(r"_(bucket|sum|count)$")


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


def serve(dsn: str, port: int) -> tuple[str, Callable[[], None]]:
    """Serve the database's numbers on loopback; port 0 takes a free one.

    Returns the URL and what ends it. Raises PggitError where the port is taken or the database cannot be asked.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    collector = Collector(dsn)
    for _ in collector.collect():  # a wrong connection string is told now, not at the first scrape
        break
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(port, _LOOPBACK, registry)
    except OSError as error:
        raise PggitError(f"cannot listen on {_LOOPBACK}:{port}: {error.strerror}") from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return f"http://{_LOOPBACK}:{server.server_port}/metrics", stop


def parse_port(text: str) -> int:
    """A port number from 0 (any that is free) to 65535. Raises UsageError."""
    if not text.isdecimal() or int(text) > 65535:
        raise UsageError(f"--port={text}: give a number from 0 to 65535")
    return int(text)
