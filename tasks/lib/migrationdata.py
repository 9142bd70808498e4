"""What a database holds of pgGit's data, so that it can be compared with what another version made of it."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

Columns = Mapping[str, tuple[str, ...]]
"""The columns of each table whose rows a dump holds."""

_COLUMNS = """
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attname)
    FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig) AS t (relation)
    JOIN pg_class c ON c.oid = t.relation AND c.relkind = 'r'
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE e.extname = 'pggit'
      -- a child's rows are read along with its parent's
      AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
    GROUP BY c.relname
"""
# What belongs to a version and not to its data: which one wrote the tables, and what is left of an update to do.
_OF_THE_VERSION = "x.name NOT IN ('data_version', 'uncounted')"
_SUMS = """
    SELECT concat_ws(' ', x.counter, x.label, x.bucket), sum(x.amount), sum(x.total)
    FROM pggit.tallies x WHERE x.counter <> 'error' OR x.amount <> 0 GROUP BY 1
"""
_NEVER_FILLED = frozenset({
    ("head", "detached"),  # HEAD is at a branch, or at a commit
    ("resolutions", "conflict_id"), ("resolutions", "definition"),  # rows pass through
    ("resolutions", "how"), ("resolutions", "resolved_by"),
})  # fmt: skip

_UNLIKE_HISTORY = """
    SELECT t.label, t.counted, h.recorded FROM
        (SELECT x.label, sum(x.amount) AS counted FROM pggit.tallies x WHERE x.counter = 'change' GROUP BY x.label) t
        FULL JOIN (SELECT x.change_type, count(*) AS recorded FROM pggit.history x GROUP BY x.change_type) h
            ON h.change_type = t.label
    WHERE t.counted IS DISTINCT FROM h.recorded
    UNION ALL
    SELECT 'an error', t.counted, e.recorded
    FROM (SELECT coalesce(sum(x.amount), 0) AS counted FROM pggit.tallies x WHERE x.counter = 'error') t,
        (SELECT count(*) AS recorded FROM pggit.tracking_errors) e
    WHERE t.counted <> e.recorded
    ORDER BY 1
"""


Sums = Mapping[str, tuple[Any, Any]]
"""Counter, label and bucket, to how many and how much in all."""


@dataclass(frozen=True)
class Snapshot:
    """The data of one database: the columns of its tables, and the value of each column, by table and row."""

    columns: Columns
    rows: Mapping[str, tuple[tuple[str | None, ...], ...]]
    sums: Sums
    """What tallies count: its rows may be put together, its sums may not change."""


def columns(database: "Database") -> Columns:
    """The tables whose rows a dump holds, and their columns."""
    return {table: tuple(names) for table, names in database.execute(_COLUMNS).fetchall()}


def snapshot(database: "Database") -> Snapshot:
    """All that a dump would hold of pgGit's data, as text."""
    known = columns(database)
    rows = {}
    for table, names in known.items():
        values = ", ".join(f'x."{name}"::text' for name in names)
        where = _OF_THE_VERSION if table == "settings" else "true"
        found = database.execute(f"SELECT {values} FROM pggit.{table} x WHERE {where}").fetchall()  # noqa: S608
        rows[table] = tuple(found)
    sums = database.execute(_SUMS).fetchall() if "tallies" in known else []
    return Snapshot(known, rows, {counter: (amount, total) for counter, amount, total in sums})


def compare(
    before: Snapshot, after: Snapshot, growing: Collection[str] = (), settings: Collection[str | None] | None = None
) -> list[str]:
    """What of `before` is otherwise in `after`, as far as the columns go that both know; one line a table.

    The log of upgrades may have more rows, and so may the tables `growing`. Of settings those named `settings` are
    compared, where they are given: an older version does not have those of a newer one.
    """
    faults = []
    if settings is not None:
        before = replace(before, rows={**before.rows, "settings": _of_names(before, settings)})
    for table in sorted(before.columns.keys() & after.columns.keys() - {"tallies"}):
        names = [name for name in before.columns[table] if name in after.columns[table]]
        old, new = (Counter(_only(one, table, names)) for one in (before, after))
        lost, made = old - new, new - old
        if table == "upgrade_log" or table in growing:
            made.clear()
        if lost or made:
            faults.append(_told(table, names, lost, made))
    if "tallies" in before.columns and "tallies" in after.columns and "tallies" not in growing:
        faults += _unlike_sums(before.sums, after.sums)
    return faults


def _unlike_sums(before: Sums, after: Sums) -> list[str]:
    """Which counters are not what they were; commands of an update script are counted as any, so those may grow."""
    faults = []
    for counter in sorted(before.keys() | after.keys()):
        old, new = before.get(counter, (0, 0)), after.get(counter, (0, 0))
        may_grow = counter.startswith("command ") and new[0] >= old[0] and new[1] >= old[1]
        if old != new and not may_grow:
            faults.append(f"sums of tallies: {counter} was {old[0]} and {old[1]}, is {new[0]} and {new[1]}")
    return faults


def setting_names(one: Snapshot) -> set[str | None]:
    """The settings that there are."""
    place = one.columns["settings"].index("name")
    return {row[place] for row in one.rows["settings"]}


def _of_names(one: Snapshot, names: Collection[str | None]) -> tuple[tuple[str | None, ...], ...]:
    place = one.columns["settings"].index("name")
    return tuple(row for row in one.rows["settings"] if row[place] in names)


def _only(one: Snapshot, table: str, names: list[str]) -> list[tuple[str | None, ...]]:
    places = [one.columns[table].index(name) for name in names]
    return [tuple(row[place] for place in places) for row in one.rows[table]]


def _told(table: str, names: list[str], lost: "Counter[Any]", made: "Counter[Any]") -> str:
    line = f"{table}: {lost.total()} rows are gone, {made.total()} are new"
    if lost and made:
        old, new = min(lost, key=str), min(made, key=str)
        different = ", ".join(name for name, a, b in zip(names, old, new, strict=False) if a != b)
        return f"{line}, such as {_cut(old)} and {_cut(new)}{f' ({different})' if different else ''}"
    return f"{line}, such as {_cut(min(lost or made, key=str))}"


def _cut(row: Any) -> str:
    text = " | ".join(map(str, row))
    return text if len(text) <= _ENOUGH else text[:_ENOUGH] + "…"


_ENOUGH = 160
"""Characters of a row that a fault shows."""


def unfilled(database: "Database") -> list[str]:
    """The columns of tables that a dump holds without a value in any row; a fixture should have given one."""
    missing = []
    for table, names in columns(database).items():
        counts = ", ".join(f'count(x."{name}")' for name in names)
        found = database.execute(f"SELECT {counts} FROM pggit.{table} x").fetchone()  # noqa: S608
        missing += [
            f"{table}.{name}"
            for name, count in zip(names, found or (), strict=True)
            if not count and (table, name) not in _NEVER_FILLED
        ]
    return sorted(missing)


def unlike_history(database: "Database") -> list[str]:
    """Where the counters of changes and errors, in a version that counts, are not what the record says."""
    if "tallies" not in columns(database):
        return []
    return [
        f"{label} is counted {counted} times and recorded {recorded} times"
        for label, counted, recorded in database.execute(_UNLIKE_HISTORY).fetchall()
    ]


def colliding_keys(database: "Database") -> list[str]:
    """The columns that number their rows and would give a number again that is there already."""
    faults = []
    numbered = database.execute("""
        SELECT c.relname, a.attname, pg_get_serial_sequence(format('pggit.%I', c.relname), a.attname)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind = 'r' AND a.attidentity <> ''""").fetchall()
    for table, column, sequence in numbered:
        (collides,) = database.execute(
            f"SELECT coalesce(max(x.{column}) >= s.last_value + s.is_called::int, false)"  # noqa: S608
            f" FROM {sequence} s LEFT JOIN pggit.{table} x ON true GROUP BY s.last_value, s.is_called"
        ).fetchall()[0]
        if collides:
            faults.append(f"the next {table}.{column} is there already")
    return faults
