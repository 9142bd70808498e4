"""build.matrix: the shapes that people, programs and GitHub workflows read."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

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


def test_one_family() -> None:
    rows = json.loads(matrix.show("github", family="deb")[0])["include"]
    assert {row["family"] for row in rows} == {"deb"}
    with pytest.raises(UsageError, match="--family=dbe: unknown 'dbe'; valid: deb, rpm, or all"):
        matrix.show("github", family="dbe")


def _workflow_step() -> str:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]
    [run] = [step["run"] for step in jobs["matrix"]["steps"] if step.get("id") == "matrix"]
    return str(run)


def test_the_workflow_s_matrix_is_every_deb_target_of_one_architecture(tmp_path: Path) -> None:
    output = tmp_path / "output"
    environment = {**os.environ, "GITHUB_OUTPUT": str(output)}
    subprocess.run(["bash", "-e", "-c", _workflow_step()], cwd=ROOT, env=environment, check=True)
    name, _, include = output.read_text().partition("=")
    assert name == "include"
    assert json.loads(include) == json.loads(matrix.show("github", family="deb", arch="amd64")[0])


def test_the_workflow_stops_where_the_matrix_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "inv").write_text("#!/bin/sh\nexit 2\n")
    (tmp_path / "inv").chmod(0o755)
    environment = {**os.environ, "GITHUB_OUTPUT": str(tmp_path / "output")}
    assert subprocess.run(["bash", "-e", "-c", _workflow_step()], cwd=tmp_path, env=environment).returncode == 2


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
