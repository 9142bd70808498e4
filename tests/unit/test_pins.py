"""packaging/servers.yaml: a fault in it is one line that names the key."""

import re
from pathlib import Path

import pytest

from tasks.lib import serverbuilds
from tasks.lib.errors import UsageError


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        ('"15":', "15:", "the key 15 is no text: put it in quotes"),
        ("version: 15.19.0", "version: 15", "builds.15.version: 15 is no text"),
        ("linux-x86_64: 5", "linux-x86_64: 6z", "builds.15.sha256.linux-x86_64: '6z"),
        ("linux-x86_64:", "linux-x86:", "builds.15.sha256: 'linux-x86' is none of linux-x86_64, "),
        ("builds:", "bilds:", "unknown key 'bilds' (did you mean 'builds'?)"),
        ("builds:", "builds: [", "servers.yaml:"),
    ],
)
def test_a_fault_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, replacement: str, said: str
) -> None:
    path = tmp_path / "servers.yaml"
    path.write_text(serverbuilds.PINS.read_text("utf-8").replace(pattern, replacement, 1))
    monkeypatch.setattr(serverbuilds, "PINS", path)
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        serverbuilds._pins.__wrapped__()
    assert "\n" not in str(error.value)
