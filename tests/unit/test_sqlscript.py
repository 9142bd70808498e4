import hashlib
import re
from pathlib import Path

import pytest

from tasks.lib import sqlscript
from tasks.lib.errors import PggitError


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension of two modules, version 2, without releases and migrations."""
    folder = tmp_path / "extension"
    (folder / "sql").mkdir(parents=True)
    (folder / "pggit.control").write_text("default_version = '2'\n")
    (folder / "sql" / "10_second.sql").write_text("SELECT 'second';\n")
    (folder / "sql" / "00_first.sql").write_text("SELECT '{{ version }}';\n")
    monkeypatch.setattr(sqlscript, "EXTENSION", folder)
    monkeypatch.setattr(sqlscript, "CONTROL", folder / "pggit.control")
    monkeypatch.setattr(sqlscript, "MIGRATIONS", tmp_path / "migrations")
    return folder


def release(extension: Path, version: str, text: str = "SELECT 1;\n") -> Path:
    folder = extension / "releases"
    folder.mkdir(exist_ok=True)
    path = folder / f"pggit--{version}.sql"
    path.write_text(text)
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    return path


def migrate(extension: Path, step: str) -> None:
    folder = extension.parent / "migrations"
    folder.mkdir(exist_ok=True)
    (folder / f"pggit--{step}.sql").write_text("SELECT 1;\n")


def test_script_is_guard_and_modules_in_order(extension: Path) -> None:
    script = sqlscript.install_script()
    assert script.startswith(sqlscript.guard("CREATE EXTENSION pggit"))
    assert script.index("SELECT '2';") < script.index("SELECT 'second';")


def test_build_writes_the_files_and_nothing_else(extension: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "pggit--1.sql").write_text("stale")
    files = sqlscript.build(output)
    assert [path.name for path in files] == ["pggit--2.sql", "pggit.control"]
    assert {path.name for path in output.iterdir()} == {"pggit--2.sql", "pggit.control", "data.mk"}
    assert (output / "data.mk").read_text() == "DATA = pggit--2.sql\n"
    assert {path.stat().st_mode & 0o777 for path in output.iterdir()} == {0o644}


def test_build_removes_nothing_that_is_not_its_own(extension: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (output / "folder").mkdir(parents=True)
    (output / "pggit--1.sql").write_text("stale")
    foreign = {"README.md", "other.sql", "pggit.sql", "folder"}
    for name in foreign - {"folder"}:
        (output / name).write_text("mine")
    sqlscript.build(output)
    assert {path.name for path in output.iterdir()} == {"pggit--2.sql", "pggit.control", "data.mk", *foreign}


def test_the_plan_is_what_build_then_does(extension: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert sqlscript.plan(output) == (tuple(output / x for x in ("data.mk", "pggit--2.sql", "pggit.control")), ())
    assert not output.exists()
    sqlscript.build(output)
    (output / "pggit--1.sql").write_text("stale")
    (output / "data.mk").write_text("other")
    assert sqlscript.plan(output) == ((output / "data.mk",), (output / "pggit--1.sql",))
    sqlscript.build(output)
    assert sqlscript.plan(output) == ((), ())


def test_a_file_is_no_folder_to_write_into(extension: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PggitError, match=r"cannot write .*/file: Not a directory$"):
        sqlscript.build(tmp_path / "file")
    with pytest.raises(PggitError, match=r"cannot write .*/file/below: Not a directory$"):
        sqlscript.build(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_build_again_touches_nothing(extension: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_ino for path in sqlscript.build(tmp_path / "out")}
    assert {path: path.stat().st_ino for path in sqlscript.build(tmp_path / "out")} == before


def test_released_scripts_and_migrations_come_along(extension: Path) -> None:
    release(extension, "1")
    migrate(extension, "1--2")
    migrate(extension, "2--1")
    assert set(sqlscript.contents()) == {
        "pggit.control", "pggit--1.sql", "pggit--2.sql", "pggit--1--2.sql", "pggit--2--1.sql",
    }  # fmt: skip


def test_a_released_version_without_a_way_up_is_refused(extension: Path) -> None:
    release(extension, "1")
    with pytest.raises(PggitError, match="released version 1 has no update path to 2"):
        sqlscript.contents()


def test_a_way_up_without_the_way_back_is_refused(extension: Path) -> None:
    release(extension, "1")
    migrate(extension, "1--2")
    with pytest.raises(PggitError, match="no way back from 2 to released version 1"):
        sqlscript.contents()


def test_an_update_script_that_waits_for_a_person_is_refused(extension: Path) -> None:
    release(extension, "1")
    migrate(extension, "1--2")
    migrate(extension, "2--1")
    script = extension.parent / "migrations" / "pggit--2--1.sql"
    script.write_text("SELECT 1;\n  -- TODO(migration): park it\n--TODO(migration)\n-- TODO(migration): and that\n")
    with pytest.raises(PggitError) as raised:
        sqlscript.contents()
    assert str(raised.value) == "pggit--2--1.sql, line 2: TODO(migration): park it (and 2 more)"
    assert script.name in sqlscript.unchecked_contents()
    script.write_text("SELECT 'TODO';\n")
    sqlscript.contents()


def test_a_changed_release_is_refused(extension: Path) -> None:
    release(extension, "1").write_text("SELECT 'other';\n")
    with pytest.raises(PggitError, match=r"pggit--1\.sql was changed after its release"):
        sqlscript.contents()


def test_a_release_without_checksum_is_refused(extension: Path) -> None:
    release(extension, "1")
    (extension / "releases" / "SHA256SUMS").unlink()
    with pytest.raises(PggitError, match="does not list exactly the scripts"):
        sqlscript.contents()


def test_an_unknown_template_name_is_refused(extension: Path) -> None:
    (extension / "sql" / "10_second.sql").write_text("SELECT '{{ versoin }}';\n")
    with pytest.raises(PggitError, match=r"10_second\.sql: 'versoin' is undefined"):
        sqlscript.install_script()


def test_a_stray_file_is_refused(extension: Path) -> None:
    (extension / "sql" / "late.sql").write_text("SELECT 1;\n")
    with pytest.raises(PggitError, match=r"late\.sql is not named NN_area\.sql"):
        sqlscript.modules()


def test_no_module_at_all_is_refused(extension: Path) -> None:
    for path in (extension / "sql").iterdir():
        path.unlink()
    with pytest.raises(PggitError, match="holds no NN_area"):
        sqlscript.modules()


def test_a_control_file_without_version_is_refused(extension: Path) -> None:
    sqlscript.CONTROL.write_text("comment = 'x'\n")
    with pytest.raises(PggitError, match="no default_version"):
        sqlscript.version()


def test_this_checkout_builds() -> None:
    assert f"pggit--{sqlscript.version()}.sql" in sqlscript.contents()


def test_our_scripts_are_read_in_every_encoding() -> None:
    """PostgreSQL takes a script to be in the database's encoding; of all it knows, only ASCII is the same in each."""
    for name, content in sqlscript.contents().items():
        strange = [line for line in content.decode().splitlines() if not line.isascii()]
        assert strange == [], name


def test_words_are_put_in_capitals_as_in_c() -> None:
    """In a Turkish database upper('i') is not SQL's I. Only bounds of ranges are asked for without a collation."""
    script = sqlscript.install_script()
    calls = re.findall(r"\b(?:upper|lower|initcap)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)", script)
    assert len(calls) > 20
    assert [
        c for c in calls if 'COLLATE "C"' not in c and not re.fullmatch(r"(?:\w+\.)?(?:span|covered|part)", c)
    ] == []
