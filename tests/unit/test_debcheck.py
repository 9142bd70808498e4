"""The checks of a finished .deb: each thing that can be wrong is made wrong, and must be found."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.lib import debcheck, engine_local, recipe, sqlscript

EPOCH = 1_790_000_000
VERSION = sqlscript.version().encode()
EXTENSION = "./usr/share/postgresql/17/extension"
Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def made() -> recipe.Recipe:
    return recipe.load("", EPOCH)


@pytest.fixture(scope="module")
def deb(made: recipe.Recipe, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return engine_local.build(["17"], made, tmp_path_factory.mktemp("log") / "log")["17"]


def _parts(deb: bytes) -> dict[str, bytes]:
    parts, at = {}, 8
    while at < len(deb):
        name, size = deb[at : at + 16].decode().strip().rstrip("/"), int(deb[at + 48 : at + 58])
        parts[name] = deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return parts


def _tampered(deb: bytes, which: str, change: Callable[[Members], None]) -> bytes:
    """`deb` with the members of its `control` or `data` tar changed."""
    whole = b"!<arch>\n"
    for name, content in _parts(deb).items():
        if name.startswith(which):
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                members: Members = [(one, tar.extractfile(one).read() if one.isfile() else b"") for one in tar]  # type: ignore[union-attr]
            change(members)
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
                for info, data in members:
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
            name, content = f"{which}.tar.gz", buffer.getvalue()
        whole += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        whole += b"\n" if len(content) % 2 else b""
    return whole


def _named(members: Members, name: str) -> int:
    return next(index for index, (info, _) in enumerate(members) if info.name == name)


def _edit(name: str, **changes: object) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        info, data = members[_named(members, name)]
        for key, value in changes.items():
            setattr(info, key, value)
        members[_named(members, name)] = (info, data)

    return change


def _rewrite(name: str, old: bytes, new: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        index = _named(members, name)
        info, data = members[index]
        assert old in data
        members[index] = (info, data.replace(old, new))

    return change


def _add(name: str) -> Callable[[Members], None]:
    return lambda members: members.append((tarfile.TarInfo(name), b"#!/bin/sh\n"))


def _drop(name: str) -> Callable[[Members], None]:
    return lambda members: members.__delitem__(_named(members, name))


def _link(members: Members) -> None:
    info = tarfile.TarInfo(f"{EXTENSION}/link")
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, "/etc/passwd", 0o644
    members.append((info, b""))


CONTROL = f"{EXTENSION}/pggit.control"
FAULTS: list[tuple[str, Callable[[Members], None], str]] = [
    ("data", _drop(CONTROL), "lacks /usr/share/postgresql/17/extension/pggit.control"),
    ("data", _add(f"{EXTENSION}/other.sql"), "holds /usr/share/postgresql/17/extension/other.sql"),
    ("data", _link, "holds /usr/share/postgresql/17/extension/link"),
    ("data", _edit(CONTROL, mode=0o600), "has mode 0600; it must be 0644"),
    ("data", _edit(CONTROL, mode=0o4755), "has mode 4755"),
    ("data", _edit(EXTENSION, mode=0o775), "has mode 0775; it must be 0755"),
    ("data", _edit(CONTROL, uid=1000), "belongs to 1000:0"),
    ("data", _edit(CONTROL, mtime=EPOCH + 1), "newer than SOURCE_DATE_EPOCH"),
    ("data", _rewrite(CONTROL, VERSION, b"9.9.9"), "pggit.control is not what the sources make"),
    ("data", _rewrite(CONTROL, VERSION, b"9.9.9"), "md5sums is wrong about"),
    ("control", _rewrite("./control", VERSION, b"9.9.9"), "has Version: 9.9.9-"),
    ("control", _rewrite("./control", b"Architecture: all", b"Architecture: amd64"), "has Architecture: amd64"),
    ("control", _rewrite("./control", b"Depends: postgresql-17", b"Depends: postgresql-15"), "has Depends"),
    ("control", _rewrite("./control", b"Section: database\n", b""), "has no field Section"),
    ("control", _rewrite("./control", b"Section:", b"Essential: yes\nSection:"), "unexpected field Essential"),
    ("control", _add("./postinst"), "has a control member 'postinst'"),
    ("control", _rewrite("./md5sums", b"  usr/share/doc", b"  usr/share/dox"), "md5sums lists /usr/share/dox"),
]  # fmt: skip


def test_a_package_as_built_has_no_problems(deb: bytes, made: recipe.Recipe) -> None:
    assert debcheck.problems(deb, made, "17") == ()


def test_taking_it_apart_and_together_again_changes_nothing(deb: bytes, made: recipe.Recipe) -> None:
    assert debcheck.problems(_tampered(deb, "data", lambda members: None), made, "17") == ()


@pytest.mark.parametrize(("part", "change", "found"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_every_fault_is_found(
    deb: bytes, made: recipe.Recipe, part: str, change: Callable[[Members], None], found: str
) -> None:
    problems = debcheck.problems(_tampered(deb, part, change), made, "17")
    assert any(found in problem for problem in problems), problems


def test_a_missing_update_script_is_found(deb: bytes, made: recipe.Recipe) -> None:
    newer = replace(made, extension={**made.extension, "pggit--0.0.9--0.0.10.sql": b""})
    assert debcheck.problems(deb, newer, "17") == ("lacks /usr/share/postgresql/17/extension/pggit--0.0.9--0.0.10.sql",)


@pytest.mark.parametrize("length", [0, 100, -200])
def test_half_a_package_is_no_package(deb: bytes, made: recipe.Recipe, length: int) -> None:
    [problem] = debcheck.problems(deb[:length], made, "17")
    assert problem.startswith("is not a readable .deb")


def test_the_package_of_another_major_is_found(deb: bytes, made: recipe.Recipe) -> None:
    assert "has Package: postgresql-17-pggit; it must be postgresql-15-pggit" in debcheck.problems(deb, made, "15")


def test_the_log_of_the_engine_is_kept(made: recipe.Recipe, tmp_path: Path) -> None:
    engine_local.build(["17"], made, tmp_path / "logs" / "log")
    assert "created package" in (tmp_path / "logs" / "log").read_text()
