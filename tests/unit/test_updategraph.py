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


WHOLE = ["pggit--1.sql", "pggit--3.sql", "pggit--1--2.sql", "pggit--2--3.sql", "pggit--3--2.sql", "pggit--2--1.sql"]


def test_check_passes_for_a_whole_graph() -> None:
    updategraph.read(WHOLE).check("3", released=["1"])


@pytest.mark.parametrize(
    ("names", "current", "released", "fault"),
    [
        (["pggit--1.sql"], "2", [], "no install script for the current version 2"),
        (["pggit--1.sql", "pggit--2.sql"], "2", ["1"], "released version 1 has no update path to 2; .* --from=1"),
        (["pggit--2.sql", "pggit--0--1.sql"], "2", [], "nothing installs 0"),
        ([one for one in WHOLE if one != "pggit--2--1.sql"], "3", ["1"], "no way back from 3 to released version 1"),
        ([*WHOLE, "pggit--3--1.sql"], "3", ["1"], r"pggit--3--1\.sql has no counterpart pggit--1--3\.sql"),
        (
            [one for one in WHOLE if one != "pggit--3--2.sql"],
            "3",
            [],
            r"--2--3\.sql has no counterpart pggit--3--2\.sql",
        ),
        (
            # 1 to 3: to 4 in one step and from there down is as short as over 2.
            [*WHOLE, "pggit--4.sql", "pggit--1--4.sql", "pggit--4--1.sql", "pggit--3--4.sql", "pggit--4--3.sql"],
            "4",
            ["1", "3"],
            "from 1 to 3 the shortest way leads down, from 4 to 3",
        ),
        (["pggit--latest.sql", "pggit--1.sql", "pggit--1--latest.sql"], "latest", ["1"], "latest is no version"),
    ],
)
def test_check_names_the_hole(names: list[str], current: str, released: list[str], fault: str) -> None:
    graph = updategraph.read(names)
    with pytest.raises(PggitError, match=fault) as raised:
        graph.check(current, released)
    assert "\n" not in str(raised.value)


def test_a_fast_way_that_no_downgrade_is_part_of_is_fine() -> None:
    """All of 1 to 4 and back in one step, besides each step alone."""
    every = [f"pggit--{start}--{end}.sql" for start in "1234" for end in "1234" if start != end]
    updategraph.read([*every, "pggit--1.sql", "pggit--4.sql"]).check("4", released=["1"])


def test_the_first_fault_says_how_many_there_are_more() -> None:
    graph = updategraph.read(["pggit--1.sql", "pggit--2.sql"])
    assert len(graph.faults("2", ["1"])) == 2
    with pytest.raises(PggitError, match=r"\(1 more: \./inv migration\.graph\)$"):
        graph.check("2", ["1"])
