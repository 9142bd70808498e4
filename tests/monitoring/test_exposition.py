"""promtool, which comes with Prometheus, finds no fault in pgGit's text, whatever was recorded."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from tasks.lib import promtools, serverbuilds
from tasks.lib.servers import Server

HOSTILE = ('a "quoted" \\ one', "{}", "# HELP x y", "é ✓ 名", "a,b=c", "x" * 200)


@pytest.fixture(scope="module")
def text() -> Iterator[str]:
    with Server(serverbuilds.majors()[-1]) as server, psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute("CREATE EXTENSION pggit; SELECT pggit.init(); CREATE TABLE t (id integer)")
        for kind in HOSTILE:
            db.execute("SELECT pggit.record_metric(%s, 1)", [kind])
        yield str((db.execute("SELECT pggit.prometheus_metrics()").fetchone() or ("",))[0])


def faults(text: str) -> str:
    """What `promtool check metrics` says."""
    command = [str(promtools.find("promtool")), "check", "metrics"]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return f"{result.returncode} {result.stdout}{result.stderr}".strip()


def test_promtool_finds_no_fault(text: str) -> None:
    assert "pggit_metric_average{" in text
    assert faults(text) == "0"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# HELP pggit_info", "# HELD pggit_info"),
        ("# TYPE pggit_objects gauge", "# TYPE pggit_objects counter"),
        ("pggit_info{", "pggit_info{,"),
    ],
)
def test_promtool_sees_a_fault(text: str, old: str, new: str) -> None:
    assert old in text
    assert faults(text.replace(old, new)) != "0"
