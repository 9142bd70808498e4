import pytest

from tasks.lib import updategraph
from tasks.lib.errors import PggitError


def test_reads_install_and_update_scripts() -> None:
    graph = updategraph.read(["pggit--0.1.0.sql", "pggit--0.1.0--0.2.0.sql", "pggit--1.0-rc1.sql"])
    assert graph.installable == {"0.1.0", "1.0-rc1"}
    assert graph.edges == {("0.1.0", "0.2.0")}


@pytest.mark.parametrize(
    "name",
    ["pggit-0.1.0.sql", "pggit--0.1.0.txt", "pggit--.sql", "pggit--1---2.sql", "other--1.sql", "pggit--1--2--3.sql"],
)
def test_refuses_other_names(name: str) -> None:
    with pytest.raises(PggitError, match="is not named"):
        updategraph.read([name])


def test_path_is_the_shortest() -> None:
    graph = updategraph.read(
        ["pggit--1--2.sql", "pggit--2--3.sql", "pggit--1--3.sql", "pggit--3--4.sql", "pggit--4--1.sql"]
    )
    assert graph.path("1", "4") == ("1", "3", "4")
    assert graph.path("2", "1") == ("2", "3", "4", "1")
    assert graph.path("4", "4") == ("4",)
    assert graph.path("1", "9") is None


def test_check_passes_for_a_whole_graph() -> None:
    graph = updategraph.read(["pggit--1.sql", "pggit--3.sql", "pggit--1--2.sql", "pggit--2--3.sql", "pggit--3--2.sql"])
    graph.check("3", released=["1"])


@pytest.mark.parametrize(
    ("names", "current", "released", "fault"),
    [
        (["pggit--1.sql"], "2", [], "no install script for the current version 2"),
        (["pggit--1.sql", "pggit--2.sql"], "2", ["1"], "released version 1 has no update path to 2"),
        (["pggit--2.sql", "pggit--0--1.sql"], "2", [], "nothing installs 0"),
    ],
)
def test_check_names_the_hole(names: list[str], current: str, released: list[str], fault: str) -> None:
    with pytest.raises(PggitError, match=fault):
        updategraph.read(names).check(current, released)
