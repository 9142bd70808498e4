"""The alert rules: what each must have, promtool's tests of them, and that the checks find what is wrong."""

import shutil
from pathlib import Path

import psycopg
import pytest

from tasks.lib import alertcheck, dashboards_check, promtools, runbook, serverbuilds
from tasks.lib.errors import PggitError, UsageError
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server

Facts = tuple[dict[str, str], set[str], frozenset[str]]


@pytest.fixture(scope="module")
def facts() -> Facts:
    """pgGit's metrics and health checks as a server has them, and the headings of the runbook."""
    with Server(serverbuilds.majors()[-1]) as server, psycopg.connect(server.dsn(), autocommit=True) as db:
        db.execute("CREATE EXTENSION pggit")
        families: dict[str, str] = dict(db.execute("SELECT family, kind FROM pggit.metric_families()").fetchall())
        checks = {name for (name,) in db.execute("SELECT check_name FROM pggit.health_checks()")}
    return families, checks, runbook.anchors(runbook.PAGE.read_text("utf-8"))


def test_rules_are_whole(facts: Facts) -> None:
    assert alertcheck.faults(*facts) == []


def test_promtool_accepts_the_rules_and_their_tests() -> None:
    assert alertcheck.promtool_faults() == []


def test_every_check_has_an_alert(facts: Facts) -> None:
    text = runbook.PAGE.read_text("utf-8")
    for check in facts[1]:
        part = text.partition(f"\n### {check}\n")[2].partition("\n### ")[0]
        named = set(part.rpartition("\nAlerts: ")[2].split("[")[1:])
        assert named, check
        assert {name.partition("]")[0] for name in named} <= {alert.name for alert in alertcheck.alerts()}


def test_metrics_read_from_the_source_are_those_of_the_server(facts: Facts) -> None:
    assert dashboards_check.families() == facts[0]
    assert runbook.checks() == facts[1]


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("tracking", "severity: critical", "severity: page", "PggitTrackingOff: severity 'page' is none of"),
        ("tracking", "summary: pgGit records no", "note: pgGit records no", "PggitTrackingOff: it has no summary"),
        ("tracking", "description: >-", "descriptions: >-", "PggitTrackingOff: it has no description"),
        ("tracking", "ops/MONITORING.md#pggittrackingoff", "ops/MONITORING.md#off", "has no heading #off"),
        ("tracking", "ops/MONITORING.md#pggittrackingoff", "docs/x.md#unsettled", "does not lead to ops/MONITORING.md"),
        ("tracking", "alert: PggitTrackingOff", "alert: PggitPaused", "ops/MONITORING.md has no heading for it"),
        ("tracking", "alert: PggitTrackingOff", "alert: PggitPaused", "PggitPaused: no test expects it to fire"),
        ("tracking", "alert: PggitTrackingOff", "alert: PggitPaused", "test 'PggitTrackingOff': there is no such"),
        (
            "tracking",
            "alert: PggitTrackingOff",
            "alert: TrackingOff",
            "TrackingOff: the name does not begin with Pggit",
        ),
        ("tracking", "pggit_tracking_enabled == 0", "pggit_tracking == 0", "there is no metric pggit_tracking"),
        ("health", 'check="audit_seal"', 'check="seal"', "PggitSealOverdue: there is no health check 'seal'"),
        ("health", '"data_version|event', '"version|event', "PggitHealthBad: there is no health check 'version'"),
        ("storage", "database:pggit_storage_bytes:sum", "pggit_storage_sum", "is named level:metric:operation"),
        ("storage", "database:pggit_storage_bytes:sum", "database:pggit_x:sum", "database:pggit_x:sum: no rule"),
    ],
)
def test_faults_of_rules_are_found(facts: Facts, tmp_path: Path, file: str, old: str, new: str, fault: str) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(alertcheck.RULES, rules)
    path = rules / f"{file}.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    found = alertcheck.faults(*facts, rules)
    assert [line for line in found if fault in line], found


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("{eval_time: 5m, alertname: PggitTrackingOff", "{eval_time: 5m, alertname: Other", "silent before it fires"),
        ("{eval_time: 25m, alertname: PggitTrackingOff", "{eval_time: 25m, alertname: Other", "have gone stale"),
        ("1x10 0x10 1x10 0x10 stale", "1x10 0x10 1x10 0x10", "have gone stale"),
        ("- name: PggitTrackingOff", "- name: 'PggitTrackingOff: more'", "no test expects it to fire"),
    ],
)
def test_missing_tests_are_found(tmp_path: Path, old: str, new: str, fault: str) -> None:
    tests = tmp_path / "tests"
    shutil.copytree(alertcheck.TESTS, tests)
    path = tests / "tracking_test.yml"
    text = path.read_text("utf-8")
    assert old in text
    text = text.replace(old, new, 1)
    if "5m" in old and "25m" not in old:
        text = text.replace("{eval_time: 14m, alertname: PggitTrackingOff", "{eval_time: 14m, alertname: Other")
    path.write_text(text, "utf-8")
    found = alertcheck.untested(tests=tests)
    assert len(found) == 1
    assert fault in found[0]


def test_a_recording_rule_that_no_test_asks_for_is_found(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    shutil.copytree(alertcheck.TESTS, tests)
    path = tests / "storage_test.yml"
    path.write_text(path.read_text("utf-8").replace("expr: database:pggit_storage_bytes:sum", "expr: up"))
    assert alertcheck.untested(tests=tests) == [
        "database:pggit_storage_bytes:sum: no promql_expr_test asks for it",
    ]


def test_promtool_finds_a_rule_that_does_not_do_as_its_test_says(tmp_path: Path) -> None:
    for folder in (alertcheck.RULES, alertcheck.TESTS):
        shutil.copytree(folder, tmp_path / folder.name)
    path = tmp_path / "rules" / "tracking.yml"
    path.write_text(path.read_text("utf-8").replace("pggit_unsettled_commands > 0", "pggit_unsettled_commands > 5"))
    found = alertcheck.promtool_faults(tests=[tmp_path / "tests" / "tracking_test.yml"])
    assert any("PggitUnsettled" in line for line in found)


def test_promtool_finds_rules_that_are_none(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    a_test = alertcheck.TESTS / "tracking_test.yml"
    broken.write_text("groups: [{name: x, rules: [{alert: A, expr: 'sum('}]}]", "utf-8")
    assert any("could not parse expression" in line for line in alertcheck.promtool_faults([broken], [a_test]))


def test_a_folder_without_rules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PggitError, match="holds no"):
        alertcheck.alerts(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "rules: []"])
def test_a_file_of_rules_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.yml").write_text(text, "utf-8")
    with pytest.raises(PggitError, match=r"^broken\.yml has no list of groups: [^\n]+$"):
        alertcheck.alerts(tmp_path)


def test_what_is_no_promql_is_named() -> None:
    with pytest.raises(PggitError, match=r"not PromQL: sum\("):
        alertcheck.selectors("sum(")


def test_a_program_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "promtool"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert promtools.find("promtool") == program


def test_a_program_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(PggitError, match=r"^promtool is not on PATH; install it \(Debian's package is prometheus\)$"):
        promtools.find("promtool")
    with pytest.raises(UsageError, match="unknown program 'grafana'; valid are"):
        promtools.find("grafana")


def test_a_package_that_apt_cannot_fetch_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an apt-get that fails as a machine without any mirror does."""
    for name, text in {"apt-get": "echo 'E: Unable to locate package' >&2; exit 100", "dpkg-deb": "exit 0"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setenv("PGGIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "which", lambda name: None if "prom" in name else f"{tmp_path}/{name}")
    with pytest.raises(
        PggitError, match=r"^cannot fetch the Debian package prometheus \(E: Unable to locate package\)"
    ):
        promtools.find("promtool")
    assert not (tmp_path / "cache" / "debian" / "prometheus").exists()


def test_a_machine_without_apts_lists_gets_lists_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an apt-get that finds packages in fresh lists alone, and a dpkg-deb that unpacks an empty program."""
    apt_get = """
        for word; do
            case $word in
                --option=Dir::State::Lists=*) lists=${word#*Lists=} ;;
                update) [ -d "$lists/partial" ] && touch "$lists/fresh" ;;
                download) if [ -e "$lists/fresh" ]; then touch one.deb; else exit 100; fi ;;
            esac
        done"""
    unpack = 'mkdir -p "$3/usr/bin" && touch "$3/usr/bin/promtool"'
    for name, text in {"apt-get": apt_get, "dpkg-deb": unpack}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        (tmp_path / name).chmod(0o755)
    cache = tmp_path / "cache"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PGGIT_CACHE", str(cache))
    monkeypatch.setattr(shutil, "which", lambda name: None if "prom" in name else f"{tmp_path}/{name}")
    found = promtools.find("promtool")
    assert found == cache / "debian" / "prometheus" / "usr" / "bin" / "promtool"
    assert sorted(path.name for path in (cache / "debian").iterdir()) == [".lock", "prometheus"]


def test_the_repository_holds_no_rule_outside_the_checked_folder() -> None:
    outside = [path for path in (ROOT / "monitoring").rglob("*.yml") if "alert:" in path.read_text("utf-8")]
    assert {path.parent for path in outside} == {alertcheck.RULES}
