"""A Prometheus that runs for a moment, on loopback only, and the questions it answers."""

import http.client
import json
import re
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.lib import background, promtools
from tasks.lib.errors import PggitError

_LISTENING = re.compile(r'msg="?Listening on"? .*address=127\.0\.0\.1:(\d+)')
_FAILED = re.compile(r'level=error .*err="?([^"]+)', re.IGNORECASE)
_LONGEST_START = 30
_LOOK_AGAIN = 0.05
"""Seconds between two questions whether something has come about."""


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its values with their times."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Prometheus:
    """A running server, asked through its API."""

    port: int

    def instant(self, expr: str, at: float) -> list[Series]:
        """What a query gives at a moment. Raises PggitError with Prometheus's reason."""
        answer = self._ask("query", query=expr, time=str(at))
        if answer["resultType"] == "scalar":
            return [Series({}, (_point(answer["result"]),))]
        return [Series(entry["metric"], (_point(entry["value"]),)) for entry in answer["result"]]

    def over_time(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """What a query gives from start to end. Raises PggitError with Prometheus's reason."""
        answer = self._ask("query_range", query=expr, start=str(start), end=str(end), step=str(step))
        return [Series(entry["metric"], tuple(map(_point, entry["values"]))) for entry in answer["result"]]

    def wait_for(self, expr: str, at_least: float, timeout: float) -> None:
        """Return when `expr` gives at least that. Raises PggitError when it does not in `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not any(point[1] >= at_least for one in self.instant(expr, time.time()) for point in one.points):
            if time.monotonic() > deadline:
                raise PggitError(f"in {timeout:g} s Prometheus did not come to {expr} >= {at_least:g}")
            time.sleep(_LOOK_AGAIN)

    def firing(self) -> list[dict[str, str]]:
        """The labels of every alert that fires now."""
        return [alert["labels"] for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def _ask(self, what: str, **parameters: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}")
            answer = json.loads(connection.getresponse().read())
        except (OSError, ValueError) as error:
            raise PggitError(f"Prometheus does not answer: {error}") from error
        finally:
            connection.close()
        if answer.get("status") != "success":
            raise PggitError(f"Prometheus refuses {parameters.get('query', what)}: {answer.get('error')}")
        return answer["data"]


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])


@contextmanager
def running(config: Mapping[str, Any], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with this configuration that keeps everything in `folder`; it is gone at the end.

    Raises PggitError when it cannot be had or does not start.
    """
    import yaml

    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config), "utf-8")
    argv: list[str | Path] = [
        promtools.find("prometheus"),
        f"--config.file={written}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    log = folder / "prometheus.log"
    with background.running(argv, log) as process:
        yield Prometheus(_wait_for_start(process, log))


def _wait_for_start(process: "subprocess.Popen[bytes]", log: Path) -> int:
    deadline = time.monotonic() + _LONGEST_START
    while True:
        ended = process.poll() is not None
        text = log.read_text("utf-8", "replace")
        if (found := _LISTENING.search(text)) and "Server is ready" in text:
            return int(found[1])
        if ended or time.monotonic() > deadline:
            failed = _FAILED.search(text)
            how = f"exit code {process.returncode}" if ended else f"not ready in {_LONGEST_START} s"
            reason = failed[1] if failed else how
            raise PggitError(f"Prometheus does not start: {reason}")
        time.sleep(_LOOK_AGAIN)
