"""What monitoring costs, measured on a scratch server of the newest PostgreSQL."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from tasks.lib.bench_extension import DDL, PGGIT, WARM_UP, connect, scratch_server, time_of
from tasks.lib.measurement import Result, from_ratios

_BEFORE = "0.1.0"
"""The last version that measures and counts nothing."""
LENGTHEN = """
    INSERT INTO pggit.history (
        created_at, object_id, change_type, command_tag, object_type, identity, session_role, backend_pid,
        transaction_id)
    SELECT now() - interval '90 days' * (1 - n / %(rows)s::float8), h.object_id, h.change_type, h.command_tag,
        h.object_type, h.identity, h.session_role, h.backend_pid, h.transaction_id
    FROM generate_series(1, %(rows)s) n
    CROSS JOIN (SELECT * FROM pggit.history WHERE change_type = 'CREATE' LIMIT 1) h"""
"""Spread over three months, as histories are."""
COUNT = """
    INSERT INTO pggit.tallies (counter, label, minute, bucket, amount, total)
    SELECT counter, label, minute, bucket, 1, total FROM pggit.tallies CROSS JOIN generate_series(1, %(rows)s / 400)"""
"""As 200 commands, which append two rows each, many times over, when nobody has put any together yet."""
_MANY = 1_000_000
_FEW = 1_000
_APPENDED = 10_000
"""Rows of tallies: five times what lies between two roll_up() on average."""


def duration(full: bool) -> Iterator[Result]:
    """What measuring and counting every command adds to the cost of tracking it."""
    rounds = 300 if full else 60
    setups = {"none": "", "unmeasured": PGGIT.replace("pggit;", f"pggit VERSION '{_BEFORE}';", 1), "measured": PGGIT}
    with scratch_server() as running, ExitStack() as stack:
        databases = {}
        for what, setup in setups.items():
            running.createdb(what)
            databases[what] = connect(stack, running, what)
            databases[what].execute(setup.encode())
        took = {what: [0.0] * (WARM_UP + rounds) for what in databases}
        for statement in DDL.values():
            for n in range(WARM_UP + rounds):
                for what, db in databases.items():
                    took[what][n] += time_of(db, statement.format(n=n))
    costs = [
        (measured - none) / (unmeasured - none)
        for none, unmeasured, measured in zip(took["none"], took["unmeasured"], took["measured"], strict=True)
    ]
    yield from_ratios(
        "duration", "tracking, all kinds", 1.1, costs[WARM_UP:], f"the same in {_BEFORE}, without durations"
    )


def scrape(full: bool) -> Iterator[Result]:
    """What a scrape of a long history and of many tallies costs, against one of few."""
    took: dict[int, list[float]] = {}
    with scratch_server() as running, ExitStack() as stack:
        databases = {}
        for rows in (_FEW, _MANY):
            running.createdb(f"scrape_{rows}")
            databases[rows] = db = connect(stack, running, f"scrape_{rows}")
            db.execute(PGGIT.encode())
            db.execute(
                "DO $$BEGIN FOR n IN 1 .. 200 LOOP EXECUTE format('CREATE TABLE t%s (id integer)', n); END LOOP; END$$"
            )
            db.execute(LENGTHEN, {"rows": rows})
            if rows == _MANY:
                db.execute(COUNT, {"rows": _APPENDED})
            db.execute("VACUUM ANALYZE")
            took[rows] = []
        for _ in range(6 + (201 if full else 61)):
            for rows, db in databases.items():
                took[rows].append(time_of(db, "SELECT pggit.prometheus_metrics()"))
    ratios = [many / few for many, few in zip(took[_MANY], took[_FEW], strict=True)][6:]
    milliseconds = 1000 * statistics.median(took[_MANY][6:])
    yield from_ratios(
        "scrape", f"{_MANY:,} changes, {_APPENDED:,} tallies, {milliseconds:.1f} ms", 1.5, ratios, f"{_FEW:,} rows"
    )
