"""The recipe: what a package is made of, before any engine runs."""

from pathlib import Path
from typing import Any

import pytest
from debian.copyright import Copyright
from debian.deb822 import Deb822

from tasks.lib import recipe, sqlscript
from tasks.lib.errors import PggitError, UsageError


@pytest.fixture(scope="module")
def made() -> recipe.Recipe:
    return recipe.load("", 1_790_000_000)


def test_control_has_one_package_for_each_version_asked_for(made: recipe.Recipe) -> None:
    control = recipe.debian_folder(made, ["15", "17"])["debian/control"].decode()
    source, *packages = Deb822.iter_paragraphs(control)
    assert source["Rules-Requires-Root"] == "no"
    assert [one["Package"] for one in packages] == ["postgresql-15-pggit", "postgresql-17-pggit"]
    assert packages[1]["Depends"] == "postgresql-17, ${misc:Depends}"
    assert all(one["Architecture"] == "all" for one in packages)
    assert len({one["Description"] for one in packages}) == 2


def test_every_script_is_listed_by_name_for_every_version(made: recipe.Recipe) -> None:
    folder = recipe.debian_folder(made, ["15", "17"])
    for pg in ("15", "17"):
        lines = folder[f"debian/postgresql-{pg}-pggit.install"].decode().splitlines()
        assert sorted(lines) == sorted(f"{name} usr/share/postgresql/{pg}/extension/" for name in sqlscript.contents())
        assert not any("*" in line for line in lines)


def test_no_template_is_left_unrendered(made: recipe.Recipe) -> None:
    for name, data in recipe.debian_folder(made, ["15", "16", "17", "18"]).items():
        assert b"{{" not in data, name
        assert b"{%" not in data, name
        assert not Path(name).name.startswith("package."), name


def test_copyright_is_machine_readable_and_the_licence_s_own(made: recipe.Recipe) -> None:
    text = recipe.debian_folder(made, ["17"])["debian/copyright"].decode()
    parsed: Any = Copyright(text.splitlines(keepends=True), strict=True)
    [files], [terms] = parsed.all_files_paragraphs(), parsed.all_license_paragraphs()
    assert files.license.synopsis == terms.license.synopsis == "Expat"
    licence = recipe.LICENSE.read_text()
    assert f"Copyright (c) {files.copyright}" in licence
    # The licence word for word, whatever the lines are broken to.
    assert " ".join(terms.license.text.split()) in " ".join(licence.split())


def test_an_unknown_name_in_a_template_is_an_error(
    made: recipe.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("{{ nonsense }}")
    monkeypatch.setattr(recipe, "PACKAGING", tmp_path)
    with pytest.raises(PggitError, match=r"packaging/x: 'nonsense' is undefined"):
        recipe.render("x", made)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("source: pggit\n", "package.yaml: the key 'revision' is missing"),
        ("nonsense: 1\n", "package.yaml: unknown key 'nonsense'; valid: source, revision, "),
        ("[1", "package.yaml:2: "),
        ("", "package.yaml: None is not of type 'object'"),
    ],
)
def test_a_mistake_in_package_yaml_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, complaint: str
) -> None:
    (tmp_path / "package.yaml").write_text(text)
    monkeypatch.setattr(recipe, "FACTS", tmp_path / "package.yaml")
    with pytest.raises(UsageError, match=complaint) as error:
        recipe.product.__wrapped__()
    assert "\n" not in str(error.value)


def test_a_revision_that_yaml_reads_as_a_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = recipe.FACTS.read_text().replace('revision: "1"', "revision: 1")
    (tmp_path / "package.yaml").write_text(facts)
    monkeypatch.setattr(recipe, "FACTS", tmp_path / "package.yaml")
    with pytest.raises(UsageError, match="revision: 1 is no text: put it in quotes"):
        recipe.product.__wrapped__()
