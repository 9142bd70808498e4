"""build.matrix: the shapes that people, programs and GitHub workflows read."""

import json
import subprocess

import pytest

from tasks.lib import matrix
from tasks.lib.errors import UsageError
from tasks.lib.paths import ROOT


def test_json_has_targets_and_what_was_left_out() -> None:
    text, warnings = matrix.show("json", pg="all", os="debian-13", arch="amd64")
    data = json.loads(text)
    assert {"targets", "excluded"} <= data.keys()
    assert [t["id"] for t in data["targets"]] == [f"deb-debian-13-pg{pg}-amd64" for pg in (15, 16, 17, 18)]
    assert {"id", "family", "os", "pg", "arch"} <= data["targets"][0].keys()
    assert [e["id"] for e in data["excluded"]] == ["deb-debian-13-pg19-amd64"]
    assert "--pg=19" in data["excluded"][0]["reason"]
    assert warnings == ()


def test_github_takes_one_line_with_an_include_list_of_flat_rows() -> None:
    text, _ = matrix.show("github", pg="17", os="rocky-*", arch="all")
    assert "\n" not in text
    data = json.loads(text)
    assert list(data) == ["include"]
    assert len(data["include"]) == 6
    assert all(isinstance(value, str | bool) for row in data["include"] for value in row.values())
    assert {(row["arch"], row["runner"]) for row in data["include"]} == {
        ("amd64", "ubuntu-24.04"),
        ("arm64", "ubuntu-24.04-arm"),
    }


def test_the_table_says_what_is_left_out_and_why() -> None:
    text, _ = matrix.show("table")
    assert "deb-debian-13-pg17-amd64" in text
    assert "64 targets" in text
    assert "left out: 18 (PostgreSQL 19 is a preview: name it with --pg=19)" in text


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="--format=xml: valid: table, json, github"):
        matrix.show("xml")


def test_the_command_exits_with_2_and_one_line() -> None:
    command = [str(ROOT / "inv"), "build.matrix", "--os=debain-13"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "did you mean 'debian-13'?" in result.stderr
