"""Prometheus and its exporters as real processes on loopback, which end with the test."""

import socket
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tasks.lib import background, prometheus, promtools
from tasks.lib.paths import ROOT
from tasks.lib.prometheus import Prometheus

SCRAPES = ROOT / "monitoring" / "prometheus"
T = TypeVar("T")


def until(ask: Callable[[], T], done: Callable[[T], object] = bool, seconds: float = 30) -> T:
    """What `ask` returns as soon as it is `done`; after the deadline the test fails with the last answer."""
    deadline = time.monotonic() + seconds
    while not done(answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds; the last answer: {answer}"
        time.sleep(0.1)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    argv: Sequence[str | Path], url: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A program that answers at `url` when it is ready; its output goes to `log`."""
    with background.running(argv, log, environment) as process:
        until(lambda: process.poll() is not None or answers(url))
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        yield


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except OSError:
        return False


@contextmanager
def textfile_collector(folder: Path, log: Path) -> Iterator[str]:
    """node_exporter with the textfiles in `folder` and nothing else; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    argv: list[str | Path] = [
        promtools.find("prometheus-node-exporter"),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
        f"--web.listen-address={address}",
    ]
    with running(argv, f"http://{address}/metrics", log):
        yield address


@contextmanager
def watching(config: Mapping[str, Any], folder: Path) -> Iterator[Prometheus]:
    """Prometheus with this configuration, working in `folder`; it scrapes and evaluates every second."""
    each = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    with prometheus.running({"global": each, **config}, folder) as found:
        yield found


def query(watching: Prometheus, expr: str) -> list[tuple[dict[str, str], float]]:
    """The series of a query now, each with its value."""
    return [(series.labels, series.points[0][1]) for series in watching.instant(expr, time.time())]


def scrape(way: str, address: str) -> list[dict[str, Any]]:
    """The jobs of monitoring/prometheus/scrape_<way>.yml, every second and of `address` instead of their targets."""
    jobs: list[dict[str, Any]] = yaml.safe_load((SCRAPES / f"scrape_{way}.yml").read_text("utf-8"))["scrape_configs"]
    return [{**job, "scrape_interval": "1s", "static_configs": [{"targets": [address]}]} for job in jobs]
