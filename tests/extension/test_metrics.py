"""record_metric and its kin, pggit.metrics, and the text that Prometheus reads."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from tests.extension.conftest import Connect, Connection
from tests.extension.test_commits import one, refused

PARSERS: dict[str, Callable[[str], Iterable[Metric]]] = {
    "classic": parser.text_string_to_metric_families,
    "openmetrics": openmetrics_parser.text_string_to_metric_families,
}


def exposition(db: Connection, form: str) -> list[Metric]:
    """What that format's own parser makes of pgGit's text."""
    text: str = one(db, "SELECT pggit.prometheus_metrics(%s)", form)
    assert no_duplicates(text) == []
    return list(PARSERS[form](text))


def no_duplicates(text: str) -> list[str]:
    """Series that stand in the text twice, and families that are declared twice or scattered: no parser says so."""
    lines = text.split("\n")
    series = Counter(line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#"))
    declared = Counter(line for line in lines if line.startswith(("# HELP", "# TYPE")))
    return [name for name, count in (series + declared).items() if count > 1]


def samples(db: Connection, form: str = "classic") -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in exposition(db, form)
        for sample in family.samples
    }


def value(db: Connection, name: str, **labels: str) -> float:
    return samples(db)[name, frozenset(labels.items())]


def test_both_forms_say_the_same_and_are_the_view(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer); SELECT pggit.record_metric('x', 1.5), pggit.record_metric('x', 2.5)")
    passing = {"pggit_scrape_duration_seconds"}
    forms = [{key: number for key, number in samples(db, form).items() if key[0] not in passing} for form in PARSERS]
    assert forms[0] == forms[1]
    view = {
        (name, frozenset(labels.items())): number
        for name, labels, number in db.execute("SELECT name, labels, value FROM pggit.metrics").fetchall()
        if name not in passing
    }
    # The parsers read le="0.50" and the like as numbers; ours are written as they read them.
    assert view == forms[0]


def test_the_families_are_the_listed_ones_with_type_and_help(db: Connection) -> None:
    db.execute("SELECT pggit.record_metric('x', 1)")
    listed = set(db.execute("SELECT family, kind, help FROM pggit.metric_families()").fetchall())
    text = one(db, "SELECT pggit.prometheus_metrics()")
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    types = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert {(family, kind, helps[family]) for family, kind in types} == listed
    assert [family for family, _ in types] == sorted(family for family, _ in types)
    for family, kind, _ in listed:
        assert family.endswith("_total") == (kind == "counter")
        assert not re.search(r"_(ms|mb|milliseconds|megabytes|minutes|hours)(_|$)", family)


def test_labels_hold_no_names_of_objects_or_users(db: Connection) -> None:
    db.execute("CREATE TABLE secret_name (id integer); CREATE SCHEMA secret_schema; SELECT pggit.commit('secret')")
    assert "secret" not in one(db, "SELECT pggit.prometheus_metrics()")
    names = {key for (labels,) in db.execute("SELECT labels FROM pggit.metrics").fetchall() for key in labels}
    assert names == {"version", "data_version", "type", "kind", "command", "le", "relation", "level", "check"}


def test_the_histogram_counts_every_command(db: Connection) -> None:
    for n in range(5):
        db.execute(f"CREATE TABLE t{n} (id integer)".encode())
    found = samples(db)
    name = "pggit_ddl_duration_seconds"
    assert found[f"{name}_count", frozenset({("command", "create")})] == 5
    seconds = one(db, "SELECT sum(duration_ms) / 1000 FROM pggit.history WHERE change_type = 'CREATE'")
    assert found[f"{name}_sum", frozenset({("command", "create")})] == pytest.approx(float(seconds))
    for word in one(db, "SELECT pggit.command_words()"):
        buckets = {
            float(dict(labels)["le"]): number
            for (sample, labels), number in found.items()
            if sample == f"{name}_bucket" and ("command", word) in labels
        }
        counts = [buckets[bound] for bound in sorted(buckets)]
        assert counts == sorted(counts)
        assert counts[-1] == found[f"{name}_count", frozenset({("command", word)})]
        assert len(counts) == 1 + len(one(db, "SELECT pggit.duration_bounds()"))


def test_counters_and_gauges_follow_what_happens(db: Connection) -> None:
    def reading(*wanted: tuple[str, dict[str, str]]) -> list[float]:
        found = samples(db)
        return [found[name, frozenset(labels.items())] for name, labels in wanted]

    assert value(db, "pggit_uncommitted") == 0
    before = reading(("pggit_changes_total", {"kind": "create"}), ("pggit_changes_last_hour", {}))
    db.execute("CREATE TABLE t (id integer PRIMARY KEY); CREATE VIEW v AS SELECT 1 AS one")
    after = reading(("pggit_changes_total", {"kind": "create"}), ("pggit_changes_last_hour", {}))
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2]
    assert reading(
        ("pggit_uncommitted", {}), ("pggit_objects", {"type": "view"}), ("pggit_objects", {"type": "table"})
    ) == [
        1,
        1,
        1,
    ]
    db.execute("SELECT pggit.commit('x'), pggit.seal()")
    clock = one(db, "SELECT extract(epoch FROM clock_timestamp())::float8")
    for name in ("pggit_last_commit_timestamp_seconds", "pggit_last_seal_timestamp_seconds"):
        assert clock - 60 < value(db, name) <= clock
    assert value(db, "pggit_uncommitted") == 0
    db.execute("SELECT pggit.pause()")
    assert value(db, "pggit_tracking_enabled") == 0
    db.execute("SELECT pggit.resume(); ALTER EVENT TRIGGER pggit_sql_drop DISABLE")
    assert value(db, "pggit_tracking_enabled") == 0
    db.execute("SELECT pggit.enable()")
    assert value(db, "pggit_tracking_enabled") == 1


def test_an_hour_ago_is_not_the_last_hour(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    db.execute("UPDATE pggit.tallies SET minute = minute - interval '61 minutes'")
    assert value(db, "pggit_changes_last_hour") == 0
    assert value(db, "pggit_changes_total", kind="create") == 1


def test_a_database_without_init_has_numbers_too(bare_db: Connection) -> None:
    bare_db.execute("CREATE EXTENSION pggit")
    assert value(bare_db, "pggit_tracking_enabled") == 0
    assert value(bare_db, "pggit_health_status", check="event_triggers") == 3
    exposition(bare_db, "openmetrics")


def test_backups_show(db: Connection) -> None:
    names = (
        "last_success_timestamp_seconds",
        "last_verified_timestamp_seconds",
        "last_duration_seconds",
        "last_size_bytes",
        "last_failed",
    )
    assert [value(db, f"pggit_backup_{name}") for name in names] == [0, 0, 0, 0, 0]
    db.execute("""
        INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, size_bytes, status) VALUES
            ('/a', 'full', to_timestamp(1000), to_timestamp(1060), to_timestamp(5000), 10, 'completed'),
            ('/b', 'full', to_timestamp(2000), to_timestamp(2030), NULL, 20, 'completed'),
            ('/c', 'full', to_timestamp(3000), NULL, NULL, NULL, 'failed'),
            ('/d', 'full', to_timestamp(4000), NULL, NULL, NULL, 'running')""")
    assert [value(db, f"pggit_backup_{name}") for name in names] == [2030, 5000, 30, 20, 1]


HOSTILE = (
    'a "quoted" \\ one',
    "new\tline",
    "new\nline",
    "\x7f",
    "\\",
    '"',
    "\\n",
    "{}",
    "# HELP x y",
    "é ✓ 名",
    "a,b=c",
    "\u2028x",
    "x" * 200,
)


def outcome(db: Connection, kind: str) -> str:
    """The SQLSTATE with which a type is refused, or "" when it was recorded."""
    try:
        with db.transaction():
            db.execute("SELECT pggit.record_metric(%s, 1)", [kind])
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return ""


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_types_are_escaped_or_refused(db: Connection, kind: str) -> None:
    is_control = re.search(r"[\x00-\x1f\x7f]", kind) is not None
    assert outcome(db, kind) == ("GT046" if is_control else "")
    for form in PARSERS:
        assert samples(db, form).get(("pggit_metric_samples", frozenset({("type", kind)}))) == (
            None if is_control else 1
        )


@given(kinds=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20), max_size=8))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_type_breaks_the_exposition(db: Connection, kinds: list[str]) -> None:
    with db.transaction(force_rollback=True):
        outcomes = {kind: outcome(db, kind) for kind in kinds}
        assert set(outcomes.values()) <= {"", "GT046"}
        assert all(not kind.strip() for kind, state in outcomes.items() if state)
        for form in PARSERS:
            shown = {dict(labels)["type"] for name, labels in samples(db, form) if name == "pggit_metric_samples"}
            assert shown == {kind for kind, state in outcomes.items() if not state}


@pytest.mark.parametrize(
    "arguments",
    [
        "NULL, 1", "'', 1", "' ', 1", "repeat('x', 201), 1", "E'a\\nb', 1", "'x', NULL", "'x', -1", "'x', 'NaN'",
        "'x', 1.1e100",
        "'x', 'Infinity'", "'x', '-Infinity'", "'x', 1, NULL", "'x', 1, '[]'", "'x', 1, '1'",
        "'x', 1, jsonb_build_object('a', repeat('x', 8192))",
    ],
)  # fmt: skip
def test_what_is_no_metric_is_refused_and_leaves_nothing(db: Connection, arguments: str) -> None:
    refused(db, "GT046", f"SELECT pggit.record_metric({arguments})")
    assert one(db, "SELECT count(*) FROM pggit.performance_metrics") == 0


def test_the_runbooks_statements(db: Connection) -> None:
    assert one(db, """SELECT pggit.record_metric('ddl_execution_ms', 1.5, '{"command": "CREATE TABLE"}')""") == 1
    for number in (1, 2, 3, 4):
        db.execute("SELECT pggit.record_metric('n', %s::float8)", [number])
    summary = db.execute("SELECT * FROM pggit.metrics_summary ORDER BY metric_type")
    assert [column.name for column in summary.description or ()] == [
        "metric_type", "sample_count", "avg_value", "min_value", "max_value", "p95_value", "p99_value",
    ]  # fmt: skip
    rows = summary.fetchall()
    assert rows[0][:5] == ("ddl_execution_ms", 1, 1.5, 1.5, 1.5)
    assert rows[1][:5] == ("n", 4, 2.5, 1, 4)
    assert rows[1][5:] == pytest.approx((3.85, 3.97))
    db.execute("UPDATE pggit.performance_metrics SET recorded_at = recorded_at - interval '2 hours'")
    assert db.execute("SELECT * FROM pggit.metrics_summary").fetchall() == []


def test_only_the_last_five_minutes_and_a_hundred_types_are_shown(db: Connection) -> None:
    db.execute("SELECT pggit.record_metric('type ' || lpad(n::text, 3, '0'), n) FROM generate_series(1, 120) n")
    db.execute("SELECT pggit.record_metric('type 120', 0), pggit.record_metric('type 119', 0)")
    shown = {dict(labels)["type"] for name, labels in samples(db) if name == "pggit_metric_average"}
    assert shown == {f"type {n:03}" for n in [*range(1, 99), 119, 120]}
    assert value(db, "pggit_metric_types") == 120
    db.execute("UPDATE pggit.performance_metrics SET recorded_at = recorded_at - interval '6 minutes'")
    assert not [name for name, _ in samples(db) if name in {"pggit_metric_average", "pggit_metric_samples"}]
    assert value(db, "pggit_metric_types") == 0


def test_prune(db: Connection) -> None:
    db.execute("SELECT pggit.record_metric('x', n) FROM generate_series(1, 10) n")
    db.execute("UPDATE pggit.performance_metrics SET recorded_at = recorded_at - metric_value * interval '1 day'")
    assert one(db, "SELECT pggit.prune_metrics()") == 0
    assert one(db, "SELECT pggit.prune_metrics('5 days 12 hours')") == 5
    assert one(db, "SELECT pggit.prune_metrics('0')") == 5
    for keep in ("NULL", "'-1 day'"):
        refused(db, "GT046", f"SELECT pggit.prune_metrics({keep})")


def test_wrong_words(db: Connection) -> None:
    for form in ("'xml'", "NULL"):
        refused(db, "GT019", f"SELECT pggit.prometheus_metrics({form})")
    for arguments, code in (
        ("'x', 1", "GT019"),
        ("NULL, 1", "GT019"),
        ("'error_hours', -1", "GT046"),
        ("'error_hours', 'NaN'", "GT046"),
        ("'error_hours', 'Infinity'", "GT046"),
        ("'error_hours', 1e300", "GT046"),
        ("'error_hours', 0.0001", "GT046"),
    ):
        refused(db, code, f"SELECT pggit.configure_monitoring({arguments})")
    assert one(db, "SELECT count(*) FROM pggit.settings WHERE name = 'error_hours'") == 0
    refused(db, "GT019", "SELECT * FROM pggit.read_metrics('{pggit_info,pggit_x}')")
    refused(db, "GT019", "SELECT * FROM pggit.read_metrics('{NULL}')")


def test_settings_take_what_is_sane_and_say_what_that_is(db: Connection) -> None:
    for setting, largest in db.execute("SELECT setting, largest_value FROM pggit.monitoring_settings()").fetchall():
        with pytest.raises(psycopg.Error) as refusal:
            db.execute("SELECT pggit.configure_monitoring(%s, %s + 1)", [setting, largest])
        said = refusal.value.diag.message_primary
        assert said == f"{setting} cannot be {largest + 1}, but is a number from 0 to {largest} with at most 3 decimals"
        db.execute("SELECT pggit.configure_monitoring(%s, %s)", [setting, largest])
    with pytest.raises(psycopg.Error, match=r"^error_hours cannot be 9{40}\.\.\., but is a number from 0 to 876000 "):
        db.execute("SELECT pggit.configure_monitoring('error_hours', repeat('9', 4000)::numeric)")
    # With all of them at their largest everything still works.
    found = db.execute("SELECT check_name, details FROM pggit.health_check() WHERE details ? 'is_unknown'").fetchall()
    assert found == []
    assert value(db, "pggit_storage_limit_bytes", level="critical") == 2**50
    assert one(db, "SELECT pggit.configure_monitoring('error_hours', 1.50)").startswith("error_hours is 1.5: ")


def test_no_setting_of_the_session_changes_the_text(db: Connection) -> None:
    db.execute("SELECT pggit.record_metric('x', 0.1::float8 + 0.2::float8)")
    db.execute("SET extra_float_digits = -3; SET DateStyle = 'German'; SET search_path = ''")
    assert value(db, "pggit_metric_average", type="x") == 0.1 + 0.2
    exposition(db, "openmetrics")


def monitor(db: Connection, connect: Connect) -> Connection:
    """A role that has nothing but pg_monitor and the reader's level."""
    watching = connect("watching")
    db.execute("GRANT pg_monitor TO watching; SELECT pggit.grant_access('watching', 'reader')")
    return watching


def test_a_monitoring_role_gets_everything_and_public_nothing(db: Connection, connect: Connect) -> None:
    db.execute("CREATE TABLE t (id integer)")
    watching = monitor(db, connect)

    def all_of(session: Connection) -> tuple[Any, ...]:
        names = {key for key in samples(session) if key[0] != "pggit_scrape_duration_seconds"}
        health = session.execute("SELECT check_name, status FROM pggit.health_check(true)").fetchall()
        return names, health

    assert all_of(watching) == all_of(db)
    nobody = connect("nobody")
    for query in ("pggit.prometheus_metrics()", "pggit.metrics", "pggit.metrics_summary", "pggit.health_check()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            nobody.execute(f"SELECT * FROM {query}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        watching.execute("SELECT pggit.record_metric('x', 1)")


def test_a_scrape_writes_nothing_and_works_read_only(db: Connection, connect: Connect) -> None:
    watching = monitor(db, connect)
    for isolation in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        with watching.transaction():
            watching.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation} READ ONLY".encode())
            exposition(watching, "classic")
            assert len(watching.execute("SELECT * FROM pggit.health_check()").fetchall()) > 10


def test_a_scrape_reads_nothing_of_the_history_but_its_end(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    row = (
        "object_id, change_type, created_at, command_tag, object_type, identity, session_role, backend_pid,"
        " transaction_id"
    )
    db.execute(
        f"""
        INSERT INTO pggit.history ({row})
        SELECT {row} FROM pggit.history CROSS JOIN generate_series(1, 5000) WHERE change_type = 'CREATE'""".encode()
    )
    db.execute("SELECT pg_stat_force_next_flush()")

    def read() -> int:
        db.execute("SELECT pg_stat_force_next_flush()")
        return int(
            one(
                db,
                """
            SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relid = 'pggit.history'::regclass""",
            )
        )

    before = read()
    db.execute("SELECT pggit.prometheus_metrics()")
    assert read() - before < 100


def called(db: Connection, query: str) -> Counter[str]:
    """How often that query calls each of pgGit's functions."""
    db.execute("SET track_functions = 'all'")

    def calls() -> Counter[str]:
        db.execute("SELECT pg_stat_force_next_flush()")
        return Counter(dict(db.execute("SELECT funcname, calls FROM pg_stat_user_functions").fetchall()))

    before = calls()
    db.execute(query.encode())
    return calls() - before


def test_a_scrape_works_everything_out_once(db: Connection) -> None:
    for n in range(30):
        db.execute(f"CREATE TABLE t{n} (id integer PRIMARY KEY)".encode())
    calls = called(db, "SELECT pggit.prometheus_metrics()")
    for function in ("storage", "health_check", "read_catalog", "read_metrics"):
        assert calls[function] == 1, function
    # what is called for each sample is dear: there are some hundred and fifty
    assert one(db, "SELECT count(*) FROM pggit.metrics") > 150
    assert {name: times for name, times in calls.items() if times > 20} == {}


def test_a_family_is_worked_out_alone(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer); SELECT pggit.record_metric('x', 1)")
    passing = {"pggit_scrape_duration_seconds"}
    query = "SELECT name, labels::text, value FROM pggit.read_metrics(%s) WHERE name <> ALL (%s)"
    whole = db.execute(query, [None, list(passing)]).fetchall()
    found = []
    for (family,) in db.execute("SELECT family FROM pggit.metric_families()").fetchall():
        if family not in passing:
            own = db.execute(query, [[family], []]).fetchall()
            assert {re.sub("_(bucket|sum|count)$", "", name) if "ddl" in name else name for name, *_ in own} == {family}
            found += own
    assert sorted(found) == sorted(whole)
    calls = called(db, "SELECT * FROM pggit.read_metrics('{pggit_storage_bytes,pggit_objects,pggit_info}')")
    assert calls["storage"] == 1
    assert not {"health_check", "read_catalog", "monitoring_value"} & set(calls)
    # How long all takes is known when all is worked out.
    calls = called(db, "SELECT * FROM pggit.read_metrics('{pggit_scrape_duration_seconds}')")
    assert calls["health_check"] == 1


def test_sizes_come_without_the_check_as_well(db: Connection) -> None:
    sizes = {key: number for key, number in samples(db).items() if key[0] == "pggit_storage_bytes"}
    assert len(sizes) == one(db, "SELECT count(*) FROM pggit.storage()")
    db.execute("SELECT pggit.configure_monitoring('storage_warning_mb', 1)")
    db.execute("UPDATE pggit.settings SET value = 'x' WHERE name = 'storage_warning_mb'")
    assert value(db, "pggit_health_unknown", check="storage_size") == 1
    assert {key for key in samples(db) if key[0] == "pggit_storage_bytes"} == set(sizes)


def test_the_limits_are_those_that_are_configured(db: Connection) -> None:
    def limits() -> list[float]:
        return [value(db, "pggit_storage_limit_bytes", level=level) for level in ("warning", "critical")]

    assert limits() == [1000 * 2**20, 5000 * 2**20]
    db.execute("SELECT pggit.configure_monitoring('storage_critical_mb', 1500.5)")
    assert limits() == [1000 * 2**20, 1500.5 * 2**20]


def test_changes_last_hour_are_those_of_this_minute_and_the_59_before(db: Connection) -> None:
    db.execute("CREATE TABLE t (id integer)")
    changes = one(db, "SELECT sum(amount) FROM pggit.tallies WHERE counter = 'change'")

    def shown_after(minutes: int) -> float:
        """What is shown of changes that many minutes old, where no new minute began meanwhile."""
        this_minute = "SELECT date_trunc('minute', clock_timestamp())"
        while True:
            now = one(db, this_minute)
            db.execute("UPDATE pggit.tallies SET minute = %s - %s * interval '1 minute'", [now, minutes])
            shown = value(db, "pggit_changes_last_hour")
            if one(db, this_minute) == now:
                return shown

    assert [shown_after(minutes) for minutes in (0, 59, 60)] == [changes, changes, 0]
    help_text = "SELECT help FROM pggit.metric_families() WHERE family = 'pggit_changes_last_hour'"
    assert "this minute and the 59 before" in one(db, help_text)


def test_labels_are_json_objects(db: Connection) -> None:
    (labels,) = db.execute("SELECT labels::text FROM pggit.metrics WHERE name = 'pggit_info'").fetchall()[0]
    assert json.loads(labels)["version"] == one(db, "SELECT pggit.version()")


def test_the_largest_numbers_break_nothing(db: Connection) -> None:
    db.execute("SELECT pggit.record_metric('m', 1e100), pggit.record_metric('m', 0), pggit.record_metric('m', 1e100)")
    assert value(db, "pggit_metric_average", type="m") == pytest.approx(2e100 / 3)
    assert one(db, "SELECT avg_value FROM pggit.metrics_summary") == pytest.approx(2e100 / 3)
