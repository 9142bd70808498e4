"""Pictures of the dashboards, from a real Prometheus that watched a real PostgreSQL with pgGit for a moment."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks.lib import dashboards
from tasks.lib.prometheus import Prometheus, Series

_JOB = "pggit"
_DATABASES = ("shop", "billing")
_INTERVAL = 1
"""Seconds between two scrapes."""
_RATE_WINDOW = 5
"""Seconds that $__rate_interval stands for: Grafana takes four scrapes at least."""
_LONGEST_WAIT = 60


@dataclass(frozen=True)
class Watched:
    """What can be asked, and from when to when there is something to see."""

    prometheus: Prometheus
    start: float
    end: float

    def expr(self, expr: str) -> str:
        """A dashboard's query with everything chosen, as Grafana would send it."""
        for name, value in {
            "$__rate_interval": f"{_RATE_WINDOW}s",
            "$__range": f"{max(1, round(self.end - self.start))}s",
            "$job": ".+",
            "$instance": ".+",
        }.items():
            expr = expr.replace(name, value)
        return expr

    def answer(self, target: Mapping[str, Any]) -> list[Series]:
        """What a panel's query gives: at the end, or over the time where it is no instant query."""
        expr = self.expr(target["expr"])
        if target.get("instant"):
            return self.prometheus.instant(expr, self.end)
        return self.prometheus.over_time(expr, self.start, self.end, _INTERVAL)


def name_of(series: Series, legend: str) -> str:
    """A series' name as Grafana makes it of the legend: {{label}} is the label's value."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: series.labels.get(found[1], ""), legend)


@contextmanager
def watched(steps: int) -> Iterator[Watched]:
    """Make history in two databases for `steps` scrapes, at least 8, and give what Prometheus saw of it.

    Raises PggitError where PostgreSQL or Prometheus cannot be had.
    """
    import psycopg

    from tasks.lib import metricserver, prometheus, serverbuilds
    from tasks.lib.servers import Server

    with ExitStack() as stack:
        server = stack.enter_context(Server(serverbuilds.majors()[-1]))
        sessions, targets = {}, []
        for name in _DATABASES:
            server.createdb(name)
            sessions[name] = stack.enter_context(psycopg.connect(server.dsn(name), autocommit=True))
            sessions[name].execute("CREATE EXTENSION pggit")
            sessions[name].execute("SELECT pggit.init()")
            url, stop = metricserver.serve(server.dsn(name), 0)
            stack.callback(stop)
            targets.append({"targets": [urlsplit(url).netloc], "labels": {"instance": name}})
        folder = server.socket_dir / "prometheus"  # is removed with the server's own, whatever happens
        folder.mkdir()
        each = {"scrape_interval": f"{_INTERVAL}s", "scrape_timeout": f"{_INTERVAL}s"}
        config = {"global": each, "scrape_configs": [{"job_name": _JOB, "static_configs": targets}]}
        watching = stack.enter_context(prometheus.running(config, folder))
        scrapes = f'min(count_over_time(up{{job="{_JOB}"}}[1h]))'
        watching.wait_for(scrapes, 2, _LONGEST_WAIT)
        start = datetime.now(UTC).timestamp()
        for step in range(steps):
            for name, session in sessions.items():
                for statement in _history(step, name):
                    session.execute(statement)
            watching.wait_for(scrapes, 3 + step, _LONGEST_WAIT)
        yield Watched(watching, start, datetime.now(UTC).timestamp())


def _history(step: int, database: str) -> Iterator[str]:
    """What is done in a database before one scrape: some DDL, and what happens once."""
    for number in range((1, 2, 4, 1, 0, 3)[step % 6] if database == "shop" else step % 3):
        table = f"part_{step}_{number}"
        yield f"CREATE TABLE {table} (id bigint PRIMARY KEY, name text NOT NULL)"
        yield f"ALTER TABLE {table} ADD COLUMN price numeric(10, 2) CHECK (price >= 0)"
        if number % 2:
            yield f"CREATE VIEW cheap_{table} AS SELECT id, name FROM {table} WHERE price < 10"  # noqa: S608
            yield f"COMMENT ON TABLE {table} IS 'Parts, made in step {step}'"
        elif step % 4 == 3:
            yield f"DROP TABLE {table}"
        else:
            yield f"GRANT SELECT ON {table} TO PUBLIC"
    yield f"SELECT pggit.record_metric('deploy_seconds', {2 + step % 5})"
    yield f"SELECT pggit.record_metric('rows_imported', {100 + 40 * (step % 4)})"
    yield from _EVENTS[database].get(step, ())


_BACKUP = (
    "INSERT INTO pggit.backups (path, kind, started_at, completed_at, size_bytes, status) "
    "VALUES ('preview', 'full', now() - interval '{} seconds', now(), {}, 'completed')"
)
_PROVEN = "UPDATE pggit.backups SET verified_at = now()"
_EVENTS: dict[str, dict[int, tuple[str, ...]]] = {
    "shop": {
        1: (
            "CREATE TABLE measurement AS SELECT g AS id, random() AS value FROM generate_series(1, 300000) g",
            "CREATE INDEX measurement_value ON measurement (value)",
        ),
        2: (_BACKUP.format(48, 7340032),),
        3: ("SELECT pggit.commit('Parts and measurements')", "SELECT pggit.seal()", _PROVEN),
        5: ("CREATE TABLE report AS SELECT 1 AS total FROM pg_sleep(1.2)",),
        8: ("SELECT pggit.pause()",),
        10: ("SELECT pggit.resume()", "SELECT pggit.rescan()"),
        12: (_BACKUP.format(54, 9437184), _PROVEN),
        15: ("SELECT pggit.commit('More parts')",),
    },
    "billing": {
        4: (_BACKUP.format(21, 3145728),),
        6: ("SELECT pggit.commit('Billing')",),
        12: ("SELECT pggit.commit('More billing')",),
    },
}
"""What happens at which step, after the step's DDL."""


def answers(seen: Watched, document: Mapping[str, Any]) -> dict[int, list[list[tuple[str, Series]]]]:
    """What each panel's queries give, by the panel's id: the series with their names."""
    return {
        panel["id"]: [
            [(name_of(series, target["legendFormat"]), series) for series in seen.answer(target)]
            for target in panel["targets"]
        ]
        for panel in document["panels"]
    }


def draw(folder: Path, steps: int = 20) -> list[Path]:
    """Draw each dashboard on disk as <name>.png in `folder`; returns the pictures. Raises PggitError."""
    from tasks.lib import dashboards_drawing

    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    with watched(steps) as seen:
        note = f"drawn by inv monitoring.preview from {seen.end - seen.start:.0f} seconds of two scratch databases"
        for name, document in dashboards.read().items():
            picture = folder / f"{name}.png"
            dashboards_drawing.draw(document, answers(seen, document), (seen.start, seen.end), note, picture)
            pictures.append(picture)
    return pictures
