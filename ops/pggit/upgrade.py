"""`pggit upgrade`: brings pgGit in a database to another version, and says beforehand what that takes.

It looks at what could be in the way, builds new indexes without keeping anybody waiting, and then calls
pggit.upgrade(): that copies pgGit's data, runs ALTER EXTENSION, fills in what is new, and compares with the copy.

Exit codes: 0 the version is there (or, with --dry-run, nothing is in the way); 1 refused, nothing was begun;
2 failed, the version is what it was; 3 cannot tell, or a wrong command line; 4 the version is there, but what
follows it failed: run it again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from pggit import server
from pggit.errors import CommandError

DONE, REFUSED, FAILED, UNFINISHED = 0, 1, 2, 4
_BYTES_A_SECOND = 25_000_000
"""Of pgGit's rows: copied, indexed, counted and compared on a small machine (`inv bench --area=upgrade`)."""
_TRIES = 60
"""How often pggit.upgrade() tries to get its locks; what has no tries of its own waits as long in one go."""
_UNHURRIED = """
    SET default_transaction_read_only = off;
    SELECT FROM pg_settings s CROSS JOIN LATERAL set_config(s.name, '0', false)
    WHERE s.name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout');
"""
"""Whatever the database or the role has set for its applications."""
_SHORT_WAIT = 2000
"""Milliseconds for what may as well be done the next time."""
_NO_WAIT = 1
"""Milliseconds where the lock is free, or somebody else is at work."""
_BUSY = "GT021"
"""SQLSTATE: another session is upgrading."""
_INDEX = re.compile(r"'(CREATE INDEX (\w+) ON (pggit\.\w+) USING [^']+)'")
_LOCKS = re.compile(r"^-- Locks: (.*)$", re.MULTILINE)
_STATE = """
    SELECT json_build_object('version', pggit.version(), 'log', (
        SELECT row_to_json(l) FROM pggit.upgrade_log l ORDER BY l.upgrade_id DESC LIMIT 1))"""
_CHECKS = """
    SELECT json_build_object(
        'from', pggit.version(), 'to', pggit.upgrade_goal({wanted}),
        'path', (SELECT string_to_array(p.path, '--') FROM pg_extension_update_paths('pggit') p
                 WHERE p.source = pggit.version() AND p.target = pggit.upgrade_goal({wanted})),
        'bytes', (SELECT sum(pg_table_size(t.relation)) FROM pg_extension e
                  CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation) WHERE e.extname = 'pggit'),
        'has_health', to_regprocedure('pggit.health_check(boolean)') IS NOT NULL,
        'checks', (SELECT json_agg(c) FROM pggit.check_upgrade({wanted}) c),
        'data', CASE WHEN inet_server_addr() IS NULL THEN current_setting('data_directory') END,
        'share', (SELECT c.setting FROM pg_config c WHERE c.name = 'SHAREDIR'),
        'script_folders', coalesce(current_setting('extension_control_path', true), '$system'))"""
_SUPERUSER = "SELECT to_json(r.rolsuper) FROM pg_roles r WHERE r.rolname = current_user"
_HEALTH = """
    SELECT json_build_object(
        'worse', (SELECT json_agg(h.check_name || ': ' || h.message) FROM pggit.health_check() h
                  WHERE h.status NOT IN ('healthy', 'warning')),
        'backup_hours', (SELECT extract(epoch FROM clock_timestamp() - max(b.completed_at)) / 3600
                         FROM pggit.backups b WHERE b.status = 'completed'))"""
_SCRIPT = "SELECT to_json(pg_read_file({path}, 0, 100000000, true))"
_INDEXES = """
    SELECT coalesce(json_object_agg(c.relname, json_build_object(
        'valid', i.indisvalid, 'definition', pg_get_indexdef(i.indexrelid))), '{}')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'pggit'::regnamespace"""


Say = Callable[[str], None]


@dataclass
class Plan:
    """What an upgrade would do, and what it did."""

    from_version: str
    to_version: str
    path: list[str]
    checks: list[dict[str, Any]]
    estimate_seconds: float
    locks: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    status: str = "planned"
    error: str | None = None
    exit_code: int = DONE


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this subcommand."""
    parser.add_argument("version", nargs="?", help="version to go to (default: the newest that the server has)")
    parser.add_argument("--dry-run", action="store_true", help="print path, locks and estimate, and change nothing")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON; progress goes to stderr")
    parser.add_argument(
        "--lock-timeout",
        type=_milliseconds,
        default=1000,
        metavar="MS",
        help="how long to wait for a lock at a time, in milliseconds (default: 1000)",
    )
    parser.add_argument(
        "--keep",
        type=_count,
        default=1,
        metavar="N",
        help="how many copies of pgGit's data from upgrades to keep of each version (default: 1)",
    )


def run(options: argparse.Namespace) -> int:
    """Plan, and carry it out unless it is refused or only asked for; returns the exit code."""
    where = server.connection(options)
    plan = make_plan(where, options.version)
    say = _speaker(sys.stderr if options.json else sys.stdout)
    refused = [check for check in plan.checks if check["status"] == "refused"]
    for check in plan.checks:
        remedy = f" {check['remedy']}" if check["remedy"] and not check["message"].endswith(check["remedy"]) else ""
        say(f"{check['status']:8} {check['check_name']:13} {check['message']}{':' if remedy else ''}{remedy}")
    if plan.from_version != plan.to_version and not refused:
        for lock in plan.locks:
            say(f"locks    {lock}")
        for index in plan.indexes:
            say(f"index    {index}")
        say(f"estimate about {plan.estimate_seconds:.0f} s")
    if refused:
        plan.status, plan.exit_code = "refused", REFUSED
        plan.error = refused[0]["message"]
        print(f"pggit: {plan.error}; nothing was changed", file=sys.stderr)
    elif not options.dry_run:
        _carry_out(where, plan, options, say)
    if options.json:
        print(json.dumps(asdict(plan), indent=2))
    elif plan.status == "done":
        print(f"pgGit is at version {plan.to_version}")
    return plan.exit_code


def make_plan(where: server.Connection, wanted: str | None) -> Plan:
    """What it would take to get to a version; changes nothing.

    Raises CommandError with exit code 3 where the server cannot be asked.
    """
    if not server.ask(where, _SUPERUSER):
        refusal = _check("role", "refused", "only a superuser can upgrade pgGit", "Connect as one.")
        return Plan("", wanted or "", [], [refusal], 0)
    found = server.ask(where, _CHECKS.format(wanted=server.literal(wanted)))
    plan = Plan(
        found["from"], found["to"], found["path"] or [], found["checks"], 1 + (found["bytes"] or 0) / _BYTES_A_SECOND
    )
    plan.checks.append(_disk(found["data"], found["bytes"] or 0))
    plan.checks += _looked_after(where) if found["has_health"] else [_no_backup()]
    for start, end in zip(plan.path, plan.path[1:]):
        script = _script(where, found, f"pggit--{start}--{end}.sql")
        plan.locks += _LOCKS.findall(script) or [f"of pggit--{start}--{end}.sql: not known here"]
        plan.indexes += [index[0] for index in _INDEX.findall(script)]
    return plan


def _carry_out(where: server.Connection, plan: Plan, options: argparse.Namespace, say: Say) -> None:
    made: list[str] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends it is no reason to leave it half told
    try:
        _build_indexes(where, plan, _TRIES * options.lock_timeout, made, say)
        call = f"CALL pggit.upgrade({server.literal(plan.to_version)});\n"
        call += "SELECT f.trouble FROM pggit.foreign_members() f LIMIT 1;\n"
        said = server.run(where, _UNHURRIED + f"SET lock_timeout = '{options.lock_timeout}ms';\n" + call, heed=say)
        if strange := said.strip():
            raise CommandError(strange, UNFINISHED)
        plan.status = "done"
    except (CommandError, KeyboardInterrupt) as error:
        plan.error = str(error) or "interrupted"
        if isinstance(error, CommandError) and error.sqlstate == _BUSY:
            made = []  # whoever upgrades now needs them
        _settle(where, plan, made, say)
        print(f"pggit: {plan.error}", file=sys.stderr)
        return
    try:
        prune = f"SELECT FROM pggit.prune_upgrade_backups({options.keep});\n"
        server.run(where, f"SET lock_timeout = '{_SHORT_WAIT}ms';\n" + prune)
    except CommandError as error:
        say(f"older copies stay until the next upgrade: {error}")


def _settle(where: server.Connection, plan: Plan, made: list[str], say: Say) -> None:
    """Find out how things stand after trouble; leave nothing of ours where the version is what it was."""
    try:
        # The server may still be at it: a backend that lost its client ends at its next step.
        server.run(where, "SELECT pggit.close_lost_upgrades();\n", timeout=where.timeout + 5)
        state = server.ask(where, _STATE)
        if state["version"] == plan.to_version:
            plan.status, plan.exit_code = "unfinished", UNFINISHED
            return
        plan.status, plan.exit_code = "failed", FAILED
    except CommandError as error:
        plan.status, plan.exit_code = "unknown", server.CANNOT_TELL
        plan.error = f"{plan.error}; then: {error}"
        return
    for name in made:
        _drop_index(where, name, say)


def _build_indexes(where: server.Connection, plan: Plan, patience: int, made: list[str], say: Say) -> None:
    """Build beforehand, without a lock that anybody waits for, what the scripts would build; `made` gets the names."""
    present = server.ask(where, _INDEXES)
    for definition in plan.indexes:
        found = _INDEX.match(f"'{definition}'")
        if found is None or present.get(found[2]) == {"valid": True, "definition": definition}:
            continue
        say(f"building {found[2]}")
        concurrently = definition.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)
        made.append(found[2])
        try:
            if found[2] in present:
                _concurrently(where, f"DROP INDEX CONCURRENTLY pggit.{found[2]}", patience)
            _concurrently(where, concurrently, patience)
        except CommandError as error:
            made.remove(found[2])
            now_there = server.ask(where, _INDEXES).get(found[2])
            if now_there == {"valid": True, "definition": definition}:
                continue  # another session's
            # A column that is not there yet, or a lock that somebody does not let go of: the script will build it.
            say(f"left to the script: {error}")
            if now_there:
                _drop_index(where, found[2], say, _NO_WAIT)


def _drop_index(where: server.Connection, name: str, say: Say, patience: int = _SHORT_WAIT) -> None:
    """Take back an index that serves nobody; where somebody holds on to it, the next upgrade sees to it."""
    try:
        _concurrently(where, f"DROP INDEX CONCURRENTLY IF EXISTS pggit.{name}", patience)
    except CommandError as error:
        say(f"index pggit.{name} stays until the next upgrade: {error}")


def _concurrently(where: server.Connection, statement: str, patience: int) -> None:
    server.run(where, _UNHURRIED + f"SET lock_timeout = '{patience}ms';\n{statement};\n")


def _script(where: server.Connection, found: dict[str, Any], name: str) -> str:
    """An update script, from where the server keeps them; empty where it cannot be read."""
    for folder in found["script_folders"].split(os.pathsep):
        path = folder.replace("$system", found["share"]) + "/extension/" + name
        text: str | None = server.ask(where, _SCRIPT.format(path=server.literal(path)))
        if text is not None:
            return text
    return ""


def _disk(data_directory: str | None, size: int) -> dict[str, Any]:
    """Whether the copy, and as much again for the server's log, fits; it cannot be told for a server elsewhere."""
    free = None
    if data_directory is not None:
        with suppress(OSError):
            free = shutil.disk_usage(data_directory).free
    if free is None:
        return _check("disk", "ok", f"{2 * size // 2**20} MB are needed; whether they are free only that machine knows")
    message = f"{2 * size // 2**20} MB are needed, {free // 2**20} MB are free"
    if free < 2 * size:
        return _check("disk", "refused", message, "Make room first.")
    return _check("disk", "ok", message)


def _looked_after(where: server.Connection) -> list[dict[str, Any]]:
    """What health_check() and the record of backups say."""
    found = server.ask(where, _HEALTH)
    checks = []
    for worse in found["worse"] or []:
        checks.append(_check("health", "warning", worse))
    hours = found["backup_hours"]
    if hours is None:
        checks.append(_no_backup())
    else:
        status = "ok" if hours <= 24 else "warning"
        checks.append(_check("backup", status, f"the last backup is {hours:.0f} hours old"))
    return checks


def _no_backup() -> dict[str, Any]:
    return _check("backup", "warning", "pgGit knows of no backup of this database", "Make one, if there is none.")


def _check(name: str, status: str, message: str, remedy: str | None = None) -> dict[str, Any]:
    return {"check_name": name, "status": status, "message": message, "remedy": remedy, "error_code": None}


def _speaker(stream: TextIO) -> Say:
    def say(line: str) -> None:
        print(line, file=stream, flush=True)

    return say


def _milliseconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 600_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds from 1 to 600000")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1000")
    return int(text)
