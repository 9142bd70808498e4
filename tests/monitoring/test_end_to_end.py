"""A real Prometheus watches real databases while everything that can go wrong does: every alert fires."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tasks.lib import alertcheck, metricserver, serverbuilds
from tasks.lib.servers import Server
from tests.monitoring import programs

ROLE = "pggit_monitor"
HEALTHY = "healthy"
DATABASES = (HEALTHY, "paused", "off", "ill", "waiting", "old", "slow", "gone", "bare")
NO_ALERT_AT_WARNING = {"recent_activity"}
"""Checks of which a warning is none for anybody to be woken by."""
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


def test_every_alert_fires_and_resolves(server: Server, tmp_path: Path) -> None:
    with psycopg.connect(server.dsn(HEALTHY)) as db:
        checks = {name for (name,) in db.execute("SELECT check_name FROM pggit.health_checks()")}
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

        inject(server, opened)
        end_gone()
        wanted = {alert.name for alert in alertcheck.alerts()}

        def grow_and_look() -> set[str]:
            execute(
                server,
                "ill",
                """INSERT INTO pggit.performance_metrics (metric_type, metric_value, tags, recorded_at)
                   SELECT 'type 1', 1, '{}', now() - interval '1 hour' FROM generate_series(1, 2000)""",
            )
            look()
            return wanted - {alert for alert, _, _ in seen}

        programs.until(grow_and_look, lambda missing: not missing, SECONDS)
        for check in sorted(checks):
            bad = f'max_over_time(pggit_health_status{{check="{check}", instance!="{HEALTHY}"}}[1m]) > 0'
            assert programs.query(watching, bad), check
        # Alerts of one check alone need no such label.
        labelled = checks - {"event_triggers", "tracking", "unsettled", "last_backup"} - NO_ALERT_AT_WARNING
        programs.until(look, lambda _: labelled <= {check for _, _, check in seen})
        places = {
            ("PggitTrackingOff", "off"), ("PggitTrackingOff", "paused"), ("PggitTrackingOff", "bare"),
            ("PggitUnsettled", "waiting"), ("PggitBackupLate", "ill"), ("PggitBackupTooOld", "old"),
            ("PggitBackupFailed", "off"), ("PggitBackupNever", "bare"), ("PggitTargetDown", "gone"),
            ("PggitMetricsVanished", "gone"), ("PggitScrapeSlow", "slow"), ("PggitTextfileStale", node),
        }  # fmt: skip
        programs.until(look, lambda _: places <= {(alert, instance) for alert, instance, _ in seen})
        # On a machine that is busy enough, a scrape can come too late.
        assert {alert for alert, instance, _ in seen if instance == HEALTHY} <= {
            "PggitTargetDown",
            "PggitMetricsVanished",
        }

        execute(server, "off", "SELECT pggit.enable()")
        execute(server, "paused", "SELECT pggit.resume()")
        cured = {("PggitTrackingOff", "off", ""), ("PggitTrackingOff", "paused", "")}
        programs.until(look, lambda now: not cured & now)
