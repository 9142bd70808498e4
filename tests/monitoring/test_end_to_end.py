"""A real Prometheus watches real databases while everything that can go wrong does: every alert fires."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tasks.lib import alertcheck, metricserver, serverbuilds
from tasks.lib.prometheus import Prometheus
from tasks.lib.servers import Server
from tests.monitoring import programs

ROLE = "pggit_monitor"
HEALTHY = "healthy"
DATABASES = (HEALTHY, "paused", "off", "ill", "waiting", "old", "slow", "growing", "blind", "gone", "bare")
FAULTS = {
    "event_triggers": "off",
    "tracking": "paused",
    "tracking_errors": "ill",
    "unsettled": "waiting",
    "index_sample": "ill",
    "recent_activity": "ill",
    "storage_size": "ill",
    "object_count": "old",
    "audit_seal": "ill",
    "upgrades": "ill",
    "data_version": "ill",
    "restore_points": "ill",
    "last_backup": "old",
    "verified_backup": "old",
}
"""By check: the database in which inject() makes it worse than it was."""
NO_ALERT_AT_WARNING = {"recent_activity"}
"""Checks of which a warning is none for anybody to be woken by."""
ALERTS_OF_ANY_CHECK = {"PggitHealthWarning", "PggitHealthBad"}
PLACES = {
    ("PggitTrackingOff", "off"), ("PggitTrackingOff", "paused"), ("PggitTrackingOff", "bare"),
    ("PggitTrackingErrorsRising", "ill"), ("PggitUnsettled", "waiting"), ("PggitHealthUnknown", "blind"),
    ("PggitDataVersion", "ill"), ("PggitSealOverdue", "ill"), ("PggitStorageGrowth", "growing"),
    ("PggitBackupLate", "ill"), ("PggitBackupTooOld", "old"), ("PggitBackupFailed", "off"),
    ("PggitBackupNever", "bare"), ("PggitBackupUnproven", "ill"), ("PggitSlowDdl", "ill"),
    ("PggitMetricTypes", "ill"), ("PggitScrapeSlow", "slow"), ("PggitTargetDown", "gone"),
    ("PggitMetricsVanished", "gone"),
}  # fmt: skip
"""Which alert fires in which database."""
SECONDS = 60

Connection = psycopg.Connection[tuple[Any, ...]]


def execute(server: Server, database: str, *statements: str) -> None:
    with psycopg.connect(server.dsn(database), autocommit=True) as db:
        for statement in statements:
            db.execute(statement)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with a database for every kind of trouble, all of them well as yet but for their backups."""
    with Server(serverbuilds.majors()[-1]) as running:
        running.createdb("template")
        execute(running, "template", "CREATE EXTENSION pggit")
        execute(running, "template", f"CREATE ROLE {ROLE} LOGIN", f"GRANT pg_monitor TO {ROLE}")
        grant = f"SELECT pggit.grant_access('{ROLE}', 'reader')"
        execute(running, "template", grant)
        running.createdb("bare", "template")
        execute(running, "template", "SELECT pggit.init()", grant)
        for name in set(DATABASES) - {"bare"}:
            running.createdb(name, "template")
        execute(
            running,
            HEALTHY,
            "CREATE TABLE fine (id integer)",
            "SELECT pggit.commit('fine')",
            "SELECT pggit.seal()",
            """INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, status)
               VALUES ('fine', 'pg_dump', now(), now(), now(), 'completed')""",
        )
        yield running


def inject(server: Server, opened: ExitStack) -> None:
    """All that can go wrong, each where it hides nothing else."""
    backup = "INSERT INTO pggit.backups (path, kind, started_at, completed_at, verified_at, status) VALUES "
    execute(server, "paused", "SELECT pggit.pause()")
    execute(server, "off", "SELECT pggit.disable()")
    execute(server, "off", f"{backup} ('x', 'pg_dump', now() - interval '1 hour', NULL, NULL, 'failed')")
    ancient = "now() - interval '9 days', now() - interval '9 days', now() - interval '20 days', 'completed'"
    execute(server, "old", f"{backup} ('x', 'pg_dump', {ancient})")
    execute(server, "old", "UPDATE pggit.objects SET is_active = false")
    execute(
        server,
        "blind",
        """CREATE OR REPLACE FUNCTION pggit.health_of_event_triggers()
           RETURNS TABLE (status text, message text, details jsonb)
           LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
           AS 'BEGIN RAISE EXCEPTION $x$broken$x$; END'""",
    )
    late = "now() - interval '50 hours', now() - interval '50 hours', now() - interval '9 days', 'completed'"
    execute(
        server,
        "ill",
        f"{backup} ('x', 'pg_dump', {late})",
        """SELECT pggit.configure_monitoring(s, 0) FROM unnest(ARRAY['quiet_after_minutes', 'seal_after_days',
               'restore_point_after_days', 'storage_warning_mb', 'storage_critical_mb']) AS s""",
        "SELECT pggit.create_restore_point('forgotten')",
        """INSERT INTO pggit.upgrade_log
               (from_version, to_version, started_at, completed_at, status, run_by, backend_pid, backend_start)
           VALUES ('0.1.0', '0.2.0', now(), now(), 'failed', 'postgres', 1, now())""",
        "SELECT pggit.record_metric('type ' || n, n) FROM generate_series(1, 101) AS n",
        "SELECT pggit.count_command('CREATE INDEX', 20000) FROM generate_series(1, 8)",
        "CREATE TABLE seen (id integer)",
        # no event trigger fires while it is so
        "SET session_replication_role = replica",
        "ALTER TABLE seen ADD COLUMN unseen integer",
        "ALTER TABLE pggit.history ADD CHECK (command_tag <> 'CREATE TABLE') NOT VALID",
        "RESET session_replication_role",
        *(f"CREATE TABLE unrecorded_{n} (id integer)" for n in range(8)),
        "UPDATE pggit.settings SET value = '0.1.0' WHERE name = 'data_version'",
    )
    execute(
        server,
        "slow",
        # Longer than a second in each scrape, however often that asks for it, and within the scrape's two.
        """CREATE OR REPLACE FUNCTION pggit.storage() RETURNS TABLE (relation text, bytes bigint)
           LANGUAGE plpgsql STABLE AS $$
           BEGIN
               IF coalesce(current_setting('test.has_slept', true), '') = '' THEN
                   PERFORM set_config('test.has_slept', 'yes', true), pg_sleep(1.2);
               END IF;
               RETURN QUERY SELECT 'history', 1::bigint;
           END$$""",
    )
    execute(server, "waiting", "CREATE TYPE mood AS ENUM ('a')", "CREATE TABLE feels (m mood)")
    holder = opened.enter_context(psycopg.connect(server.dsn("waiting")))
    opened.callback(holder.rollback)
    holder.execute("ALTER TABLE feels ADD COLUMN held integer")
    execute(server, "waiting", "ALTER TYPE mood RENAME TO feeling")


def hasten(folder: Path) -> list[str]:
    """The rules with a second for every wait, and 20 seconds for every look back."""
    for path in alertcheck.RULES.glob("*.yml"):
        content = yaml.safe_load(path.read_text("utf-8"))
        for group in content["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                rule["expr"] = re.sub(r"\[\d+[smhd]\]", "[20s]", rule["expr"])
                if "for" in rule:
                    rule["for"] = "1s"
        (folder / path.name).write_text(yaml.safe_dump(content), "utf-8")
    return [str(folder / "*.yml")]


def textfile_exporter(folder: Path, opened: ExitStack) -> str:
    """node_exporter with a file that nobody has written for an hour; returns its address."""
    (folder / "textfiles").mkdir()
    stale = folder / "textfiles" / "pggit.prom"
    stale.write_text("# HELP some_metric One.\n# TYPE some_metric gauge\nsome_metric 1\n", "utf-8")
    os.utime(stale, (time.time() - 3600, time.time() - 3600))
    return opened.enter_context(programs.textfile_collector(stale.parent, folder / "exporter.log"))


def serve(server: Server, opened: ExitStack) -> tuple[list[dict[str, Any]], Callable[[], None]]:
    """All databases over HTTP, as targets for Prometheus, and what ends the one that is to go away."""
    targets, ends = [], {}
    for database in DATABASES:
        url, ends[database] = metricserver.serve(server.dsn(database, ROLE), 0)
        address = url.removeprefix("http://").removesuffix("/metrics")
        targets.append({"targets": [address], "labels": {"instance": database}})
        if database != "gone":
            opened.callback(ends[database])
    return targets, ends["gone"]


def status_of(watching: Prometheus, check: str) -> float:
    """What Prometheus has of that check in the database where it gets its fault."""
    # On a machine that is busy enough, a scrape can come too late: what the last one had counts.
    query = f'last_over_time(pggit_health_status{{check="{check}", instance="{FAULTS[check]}"}}[1m])'
    ((_, status),) = programs.query(watching, query)
    return status


def test_every_alert_fires_and_some_are_seen_to_resolve(server: Server, tmp_path: Path) -> None:
    with psycopg.connect(server.dsn(HEALTHY)) as db:
        checks = {name for (name,) in db.execute("SELECT check_name FROM pggit.health_checks()")}
        whole = db.execute("SELECT pg_get_functiondef('pggit.health_of_event_triggers()'::regprocedure)").fetchall()
    (tmp_path / "rules").mkdir()
    found = tmp_path / "targets.json"
    found.write_text("[]", "utf-8")
    with ExitStack() as opened:
        node = textfile_exporter(tmp_path, opened)
        targets, end_gone = serve(server, opened)
        # A target that is to take more than a second must be allowed to.
        job = {"scrape_interval": "2s", "scrape_timeout": "2s"}
        config = {
            "rule_files": hasten(tmp_path / "rules"),
            "scrape_configs": [
                {"job_name": "pggit", **job, "file_sd_configs": [{"files": [str(found)], "refresh_interval": "1s"}]},
                {"job_name": "node", **job, "static_configs": [{"targets": [node]}]},
            ],
        }
        watching = opened.enter_context(programs.watching(config, tmp_path))

        seen: set[tuple[str, str, str]] = set()

        def look() -> set[tuple[str, str, str]]:
            now = {(a["alertname"], a.get("instance", ""), a.get("check", "")) for a in watching.firing()}
            seen.update(now)
            return now

        programs.until(look, lambda now: ("PggitMetricsAbsent", "", "") in now)
        found.write_text(json.dumps(targets), "utf-8")
        programs.until(look, lambda now: "PggitMetricsAbsent" not in {alert for alert, _, _ in now})
        # Counters count from the second look on.
        programs.until(lambda: programs.query(watching, "min(count_over_time(pggit_tracking_errors_total[1m])) >= 2"))
        before = {alert for alert, instance, _ in look() if instance != "bare"}
        assert before <= {"PggitBackupNever", "PggitTextfileStale"}
        assert FAULTS.keys() == checks
        statuses = {check: status_of(watching, check) for check in checks}
        # There never was a backup, which is a warning; all else is well in the databases where it will not be.
        assert statuses == {check: float(check in {"last_backup", "verified_backup"}) for check in checks}

        inject(server, opened)
        end_gone()
        wanted = {alert.name for alert in alertcheck.alerts()}

        def grow_and_look() -> set[str]:
            execute(
                server,
                "growing",
                """INSERT INTO pggit.performance_metrics (metric_type, metric_value, tags, recorded_at)
                   SELECT 'type 1', 1, '{}', now() - interval '1 hour' FROM generate_series(1, 2000)""",
            )
            look()
            return wanted - {alert for alert, _, _ in seen}

        programs.until(grow_and_look, lambda missing: not missing, SECONDS)
        for check, was in statuses.items():
            programs.until(partial(status_of, watching, check), was.__lt__)
        # Alerts of one check alone need no such label.
        without = {"event_triggers", "tracking", "unsettled", "last_backup"} | NO_ALERT_AT_WARNING
        labelled = {(check, database) for check, database in FAULTS.items() if check not in without}
        programs.until(look, lambda _: labelled <= {(check, instance) for _, instance, check in seen})
        places = PLACES | {("PggitTextfileStale", node), ("PggitMetricsAbsent", "")}
        assert wanted == {alert for alert, _ in places} | ALERTS_OF_ANY_CHECK
        programs.until(look, lambda _: places <= {(alert, instance) for alert, instance, _ in seen})
        # A check that fails itself is a fault of its own, and no finding.
        assert {alert for alert, instance, _ in seen if instance == "blind"} <= {
            "PggitHealthUnknown",
            "PggitBackupNever",
            "PggitTargetDown",
            "PggitMetricsVanished",
        }
        # On a machine that is busy enough, a scrape can come too late.
        assert {alert for alert, instance, _ in seen if instance == HEALTHY} <= {
            "PggitTargetDown",
            "PggitMetricsVanished",
        }

        execute(server, "off", "SELECT pggit.enable()")
        execute(server, "paused", "SELECT pggit.resume()")
        execute(server, "blind", *(function for (function,) in whole))
        cured = {
            ("PggitTrackingOff", "off", ""),
            ("PggitTrackingOff", "paused", ""),
            ("PggitHealthUnknown", "blind", "event_triggers"),
        }
        programs.until(look, lambda now: not cured & now)
