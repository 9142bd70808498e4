import json
import sys
from pathlib import Path

import pytest

from tasks.lib import bench, evidence, measurement
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.evidence import Sources
from tasks.lib.measurement import Result

_NOTHING = [sys.executable, "-c", "pass"]


def test_compare_measures_both_sides() -> None:
    result = measurement.compare("area", "name", 9.5, _NOTHING, _NOTHING, n=3)
    assert (result.area, result.name, result.bound, result.n) == ("area", "name", 9.5, 3)
    assert result.ratio > 0
    assert result.baseline.endswith("-c pass")


def test_what_is_compared_may_keep_its_byte_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    keeps = [sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"]
    assert measurement.compare("area", "name", 9.5, keeps, keeps, n=2).ratio > 0


def test_a_failing_command_is_no_measurement() -> None:
    with pytest.raises(PggitError, match="exit code 3: broken"):
        measurement.compare(
            "a",
            "n",
            1,
            [sys.executable, "-c", "import sys; print('broken', file=sys.stderr); sys.exit(3)"],
            _NOTHING,
            2,
        )


@pytest.mark.parametrize(("ratio", "bound", "ok"), [(1.25, 1.25, True), (1.26, 1.25, False), (99, None, True)])
def test_a_bound_is_kept_or_missed(ratio: float, bound: float | None, ok: bool) -> None:
    assert Result("a", "n", ratio, bound, "b", 3, 0.1).ok is ok


def test_a_result_is_the_median_of_the_ratios() -> None:
    result = measurement.from_ratios("a", "n", 2.0, [1.0, 1.5, 9.0, 1.4, 1.6], "b")
    assert (result.ratio, result.n, result.ok) == (1.5, 5, True)


def test_report_has_the_fixed_shape() -> None:
    report = json.loads(json.dumps(bench.report([Result("startup", "n", 1.1, 1.25, "b", 3, 0.1)])))
    assert {"machine", "commit", "results"} <= set(report)
    assert {"area", "name", "ratio", "bound", "baseline", "n", "spread"} <= set(report["results"][0])


def test_report_needs_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert bench.report([])["commit"] is None


@pytest.mark.parametrize(("ratios", "kept"), [([1.1], 1.1), ([1.3, 1.2], 1.2), ([1.3, 1.4], 1.4)])
def test_what_misses_its_bound_is_measured_once_more(
    ratios: list[float], kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(ratios)
    missed: list[Result] = []
    monkeypatch.setitem(bench.AREAS, "a", lambda full: iter([Result("a", "n", left.pop(0), 1.25, "b", 3, 0.1)]))
    (result,) = bench.measure("a", False, missed.append)
    assert (result.ratio, left) == (kept, [])
    assert [one.ratio for one in missed] == ratios[: len(ratios) - 1]


def test_areas_are_picked_by_name() -> None:
    assert bench.select("startup,noop") == ["startup", "noop"]
    assert bench.select("all") == list(bench.AREAS)
    with pytest.raises(UsageError, match="there is no area 'strat'; valid are startup"):
        bench.select("strat")


def test_an_areas_figures_are_kept(tmp_path: Path) -> None:
    kept = [Result("commit", "n", 1.1, 1.5, "b", 3, 0.1), Result("commit", "m", 1.6, 1.5, "b", 3, 0.1)]
    path = bench.keep("commit", True, kept, evidence.sources(), tmp_path)
    assert path is not None
    found = json.loads(path.read_text())
    assert (path.name, found["ok"]) == ("bench-commit-full.json", False)
    assert [result["ratio"] for result in found["results"]] == [1.1, 1.6]
    # of the commit that was measured, whichever is there by now
    path = bench.keep("commit", False, kept, Sources("0" * 40, clean=True), tmp_path)
    assert path is not None
    assert json.loads(path.read_text())["commit"] == "0" * 40
    (tmp_path / "file").touch()
    assert bench.keep("commit", False, kept, evidence.sources(), tmp_path / "file" / "evidence") is None
