"""Package sources: read by apt itself from both of its formats, or at a mirror by name."""

import shutil
from pathlib import Path

import pytest

from tasks.lib import aptsources, targets
from tasks.lib.errors import PggitError

MATRIX = targets.load()
ONE_LINE = """\
deb [trusted=yes] http://mirror.invalid/debian bookworm main
deb [trusted=yes] http://mirror.invalid/debian bookworm-updates main
deb [trusted=yes] http://security.invalid/debian-security bookworm-security main
deb [trusted=yes] http://other.invalid/ third-bookworm main
"""
DEB822 = """\
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Trusted: yes

Types: deb
URIs: http://security.invalid/debian-security
Suites: bookworm-security
Components: main
Trusted: yes
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian 12 machine whose apt reads its configuration from the folder returned."""
    if shutil.which("apt-get") is None:
        pytest.skip("this machine has no apt")
    (tmp_path / "parts").mkdir()
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "{tmp_path}/parts";\n'
        'Acquire::http::Proxy "http://proxy.invalid:3128";\nAcquire::Check-Valid-Until "false";\n'
        'Acquire::https::Proxy "http://user:secret@proxy.invalid";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    monkeypatch.setattr(aptsources, "_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    return tmp_path


@pytest.mark.parametrize(("file", "text"), [("sources.list", ONE_LINE), ("parts/debian.sources", DEB822)])
def test_another_release_is_found_where_this_machine_has_its_own(machine: Path, file: str, text: str) -> None:
    (machine / file).write_text(text)
    sources = aptsources.of(MATRIX.system("debian-13"))
    assert "URIs: http://mirror.invalid/debian/\nSuites: trixie trixie-updates\n" in sources.text
    assert "URIs: http://security.invalid/debian-security/\nSuites: trixie-security\n" in sources.text
    assert "other.invalid" not in sources.text


def test_settings_for_reaching_the_mirror_go_along_but_no_password(machine: Path) -> None:
    settings = aptsources.settings()
    assert 'Acquire::http::Proxy "http://proxy.invalid:3128";' in settings
    assert 'Acquire::Check-Valid-Until "false";' in settings
    assert "secret" not in "".join(settings)


def test_another_distribution_needs_a_mirror_by_name(machine: Path) -> None:
    (machine / "sources.list").write_text(ONE_LINE)
    with pytest.raises(PggitError, match="apt knows no ubuntu mirror; name a mirror with"):
        aptsources.of(MATRIX.system("ubuntu-24.04"))


def test_a_machine_without_an_archive_needs_one_too(machine: Path) -> None:
    (machine / "sources.list").write_text("deb [trusted=yes] http://other.invalid/ third main\n")
    with pytest.raises(PggitError, match="has no debian archive; name a mirror with"):
        aptsources.of(MATRIX.system("debian-13"))


def test_a_mirror_by_name() -> None:
    debian = aptsources.of(MATRIX.system("debian-12"), "http://mirror.invalid/debian")
    assert "URIs: http://mirror.invalid/debian-security\nSuites: bookworm-security" in debian.text
    ubuntu = aptsources.of(MATRIX.system("ubuntu-24.04"), "http://mirror.invalid/ubuntu")
    assert "URIs: http://mirror.invalid/ubuntu\nSuites: noble-security" in ubuntu.text
    apart = aptsources.of(MATRIX.system("debian-12"), "http://mirror.invalid/debian", "http://apart.invalid/s")
    assert "URIs: http://apart.invalid/s\nSuites: bookworm-security" in apart.text


def test_rocky_cannot_be_made() -> None:
    with pytest.raises(PggitError, match="rocky-9 cannot be made from a package mirror"):
        aptsources.of(MATRIX.system("rocky-9"), "http://mirror.invalid/rocky")
