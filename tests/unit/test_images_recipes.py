"""Image names and recipes, as far as they need no engine."""

import dataclasses

import pytest

from tasks.lib import images, targets
from tasks.lib.errors import UsageError
from tasks.lib.images import Recipe

SYSTEM = targets.load().system("debian-13")
RECIPE = Recipe("builder", SYSTEM, "amd64", b"FROM x", {"PACKAGES": "a b"})


def test_the_name_changes_with_everything_in_the_recipe() -> None:
    changed = [
        dataclasses.replace(RECIPE, dockerfile=b"FROM y"),
        dataclasses.replace(RECIPE, arguments={"PACKAGES": "a b c"}),
        dataclasses.replace(RECIPE, arch="arm64"),
        dataclasses.replace(RECIPE, kind="server-17"),
    ]
    names = {RECIPE.reference, *(recipe.reference for recipe in changed)}
    assert len(names) == 5
    assert dataclasses.replace(RECIPE).reference == RECIPE.reference


def test_pull_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGGIT_PULL", raising=False)
    assert images.pull_policy("") == images.pull_policy(None) == "missing"
    monkeypatch.setenv("PGGIT_PULL", "never")
    assert images.pull_policy("") == "never"
    assert images.pull_policy("missing") == "missing"
    with pytest.raises(UsageError, match="--pull=always: valid: missing, never"):
        images.pull_policy("always")
