"""Tables: their columns, constraints, partitions and parents."""

from tests.extension.ddlmachine.catalog import Catalog, Column, Relation
from tests.extension.ddlmachine.chooser import Chooser, Maker
from tests.extension.ddlmachine.expressions import CASTS, column_type, condition, default, generated

_BOUNDS = {"integer": "integer", "bigint": "integer", "date": "date", "text": "text"}


def _plain(catalog: Catalog) -> list[Relation]:
    return catalog.kind("r", "p")


def _column(chooser: Chooser, catalog: Catalog, relation: Relation | None) -> str:
    """The definition of a new column, without its name."""
    if relation is not None and chooser.once_in(6):
        of_others = generated(chooser, catalog, relation)
        if of_others is not None:
            return of_others
    if chooser.once_in(8):
        kind = chooser.pick(("ALWAYS", "BY DEFAULT"))
        options = chooser.pick(("", " (START WITH 5 INCREMENT BY 2)", " (CACHE 7 CYCLE)"))
        return f"{chooser.pick(('integer', 'bigint', 'smallint'))} GENERATED {kind} AS IDENTITY{options}"
    if chooser.once_in(10):
        return chooser.pick(("serial", "bigserial"))
    type_name = column_type(chooser, catalog)
    words = [type_name]
    if type_name == "text" and chooser.once_in(6):
        words.append("COMPRESSION pglz")
    if type_name == "text" and chooser.once_in(4):
        words.append("COLLATE " + (chooser.pick(catalog.collations).name if catalog.collations else '"C"'))
    if chooser.once_in(3):
        value = default(chooser, catalog, type_name)
        words.append(f"DEFAULT {value}" if value else "")
    if chooser.once_in(5):
        words.append("NOT NULL")
    return " ".join(word for word in words if word)


def create_table(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    names: list[str] = []
    for _ in range(1 + chooser.below(4)):
        column = chooser.column_name()
        if column not in names:
            names.append(column)
    columns = [f"{column} {_column(chooser, catalog, None)}" for column in names]
    if chooser.once_in(3):
        columns.append(f"PRIMARY KEY ({names[0]})")
    if chooser.once_in(5):
        columns.append(f"CONSTRAINT {chooser.new_name()} CHECK ({names[-1]} IS NOT NULL)")
    persistence = "UNLOGGED " if chooser.once_in(9) else ""
    options = " WITH (fillfactor = 70)" if chooser.once_in(9) else ""
    return f"CREATE {persistence}TABLE {name} ({', '.join(columns)}){options}"


def create_table_from(chooser: Chooser, catalog: Catalog) -> str | None:
    origin = chooser.pick_or_none(catalog.kind("r", "p", "v", "m"))
    if origin is None:
        return None
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    if origin.has("r", "p"):
        if chooser.once_in(2):
            return f"CREATE TABLE {name} (LIKE {origin.name} INCLUDING ALL)"
        if origin.has("r") and origin.parent is None and chooser.once_in(2):
            return f"CREATE TABLE {name} () INHERITS ({origin.name})"
    return chooser.pick(
        (f"CREATE TABLE {name} AS SELECT * FROM {origin.name}", f"SELECT * INTO {name} FROM {origin.name}")
    )


def create_of_type(chooser: Chooser, catalog: Catalog) -> str | None:
    own = chooser.pick_or_none([t for t in catalog.types if t.kind == "c"])
    return None if own is None else f"CREATE TABLE {chooser.pick(catalog.schemas)}.{chooser.new_name()} OF {own.name}"


def create_partitioned(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    key = chooser.pick(tuple(_BOUNDS))
    strategy = chooser.pick(("RANGE", "LIST", "HASH"))
    primary = f", PRIMARY KEY ({'k, v' if chooser.once_in(2) else 'k'})" if chooser.once_in(3) else ""
    return f"CREATE TABLE {name} (k {key} NOT NULL, v integer, w text{primary}) PARTITION BY {strategy} (k)"


def _bound(chooser: Chooser, parent: Relation) -> str:
    number = chooser.below(4)
    if parent.strategy == "h":
        return f"FOR VALUES WITH (MODULUS 4, REMAINDER {number})"
    if chooser.once_in(5):
        return "DEFAULT"
    values = {
        "date": [f"'202{n}-01-01'" for n in range(5)],
        "text": [f"'{letter}'" for letter in "aeiou"],
    }.get(parent.key_type or "", [f"{n}00" for n in range(5)])
    if parent.strategy == "l":
        return f"FOR VALUES IN ({values[number]})"
    return f"FOR VALUES FROM ({values[number]}) TO ({values[number + 1]})"


def create_partition(chooser: Chooser, catalog: Catalog) -> str | None:
    parent = chooser.pick_or_none([r for r in catalog.kind("p") if r.strategy and r.key_type])
    if parent is None:
        return None
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    below = " PARTITION BY HASH (k)" if chooser.once_in(5) else ""
    return f"CREATE TABLE {name} PARTITION OF {parent.name} {_bound(chooser, parent)}{below}"


def attach_or_detach(chooser: Chooser, catalog: Catalog) -> str | None:
    parts = [r for r in catalog.relations if r.parent]
    if parts and chooser.once_in(2):
        part = chooser.pick(parts)
        return f"ALTER TABLE {part.parent} DETACH PARTITION {part.name}{chooser.pick(('', '', ' CONCURRENTLY'))}"
    parents = [r for r in catalog.kind("p") if r.key_type]
    loose = [
        (parent, table)
        for parent in parents
        for table in catalog.kind("r")
        if not table.parent and [(c.name, c.type) for c in table.columns] == [(c.name, c.type) for c in parent.columns]
    ]
    if loose:
        parent, table = chooser.pick(loose)
        return f"ALTER TABLE {parent.name} ATTACH PARTITION {table.name} {_bound(chooser, parent)}"
    parent_or_none = chooser.pick_or_none(parents)
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    return None if parent_or_none is None else f"CREATE TABLE {name} (LIKE {parent_or_none.name})"


def inherit(chooser: Chooser, catalog: Catalog) -> str | None:
    tables = [r for r in catalog.kind("r") if not r.parent]
    if not tables:
        return None
    child = chooser.pick(tables)
    have = {(c.name, c.type) for c in child.columns}
    fitting = [r for r in tables if r is not child and {(c.name, c.type) for c in r.columns} <= have]
    parent = chooser.pick_or_none(fitting)
    return (
        None if parent is None else f"ALTER TABLE {child.name} {chooser.pick(('INHERIT', 'NO INHERIT'))} {parent.name}"
    )


def add_column(chooser: Chooser, catalog: Catalog) -> str | None:
    table = chooser.pick_or_none([r for r in _plain(catalog) if not r.parent])
    return (
        None
        if table is None
        else f"ALTER TABLE {table.name} ADD COLUMN {chooser.column_name()} {_column(chooser, catalog, table)}"
    )


def _kept(table: Relation) -> set[str]:
    """Columns whose NOT NULL has to be handed down: docs/errors.md."""
    keys = [name for k in table.constraints if k.kind == "p" for name in k.columns]
    return {*keys, *(c.name for c in table.columns if c.identity)}


def _table_and_column(chooser: Chooser, catalog: Catalog) -> tuple[Relation, Column] | None:
    pairs = [(r, c) for r in _plain(catalog) for c in r.columns]
    return chooser.pick_or_none(pairs)


def drop_column(chooser: Chooser, catalog: Catalog) -> str | None:
    found = _table_and_column(chooser, catalog)
    return (
        None
        if found is None
        else (f"ALTER TABLE {found[0].name} DROP COLUMN {found[1].name}{chooser.pick((' CASCADE', '', ' CASCADE'))}")
    )


def rename_column(chooser: Chooser, catalog: Catalog) -> str | None:
    found = chooser.pick_or_none([(r, c) for r in catalog.relations for c in r.columns if not c.inherited])
    if found is None:
        return None
    word = {"v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE"}.get(found[0].kind, "TABLE")
    return f"ALTER {word} {found[0].name} RENAME COLUMN {found[1].name} TO {chooser.column_name()}"


def alter_type(chooser: Chooser, catalog: Catalog) -> str | None:
    found = _table_and_column(chooser, catalog)
    if found is None:
        return None
    table, column = found
    new = chooser.pick(CASTS)
    return (
        f"ALTER TABLE {table.name} ALTER COLUMN {column.name} TYPE {new} USING NULL::{new}"
        if chooser.once_in(2)
        else f"ALTER TABLE {table.name} ALTER COLUMN {column.name} TYPE {new}"
    )


def alter_column(chooser: Chooser, catalog: Catalog) -> str | None:
    found = _table_and_column(chooser, catalog)
    if found is None:
        return None
    table, column = found
    value = default(chooser, catalog, column.type)
    actions = [
        "SET NOT NULL", "DROP NOT NULL", "DROP DEFAULT", "SET STATISTICS 300", "SET STORAGE EXTERNAL",
        "SET (n_distinct = 5)", "RESET (n_distinct)", "SET COMPRESSION pglz", "SET STORAGE MAIN",
    ]  # fmt: skip
    if value and not column.identity and not column.generated:
        actions[:0] = [f"SET DEFAULT {value}"] * 3
    if column.identity:
        actions[:0] = ["DROP IDENTITY", "SET GENERATED ALWAYS SET INCREMENT BY 3", "SET GENERATED BY DEFAULT"] * 3
    elif (
        column.type in ("integer", "bigint")
        and column.not_null
        and not column.has_default
        and not any(k.kind == "n" and k.no_inherit and column.name in k.columns for k in table.constraints)
    ):
        actions[:0] = ["ADD GENERATED BY DEFAULT AS IDENTITY"] * 3
    if column.generated:
        actions[:0] = ["DROP EXPRESSION"] * 3
        if catalog.major >= 17:
            actions[:0] = [f"SET EXPRESSION AS ({'7' if column.type == 'integer' else repr('seven')})"] * 3
    return f"ALTER TABLE {table.name} ALTER COLUMN {column.name} {chooser.pick(actions)}"


def add_constraint(chooser: Chooser, catalog: Catalog) -> str | None:
    table = chooser.pick_or_none([r for r in _plain(catalog) if r.columns])
    if table is None:
        return None
    name = f"CONSTRAINT {chooser.new_name()} " if chooser.once_in(2) else ""
    column = chooser.pick(table.columns)
    others = ", ".join(c.name for c in chooser.some(table.columns, 2))
    unenforced = (" NOT ENFORCED",) if catalog.major >= 18 else ()
    unchecked = chooser.pick(("", "", " NOT VALID", " NO INHERIT", *unenforced))
    late = chooser.pick(("", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"))
    kind = chooser.below(5)
    if kind <= 1:
        return f"ALTER TABLE {table.name} ADD {name}CHECK ({condition(chooser, catalog, table.columns)}){unchecked}"
    if kind <= 3 and catalog.major >= 18 and chooser.once_in(4):
        how = chooser.pick(("", " NOT VALID", "" if column.name in _kept(table) else " NO INHERIT"))
        return f"ALTER TABLE {table.name} ADD {name}NOT NULL {column.name}{how}"
    if kind == 2:
        what = chooser.pick(("UNIQUE", "PRIMARY KEY", "UNIQUE NULLS NOT DISTINCT"))
        return f"ALTER TABLE {table.name} ADD {name}{what} ({others}){late}"
    if kind == 3 and column.type.endswith("range"):
        scalar = chooser.pick(table.columns)
        if "btree_gist" in catalog.extensions and scalar is not column:
            if catalog.major >= 18 and chooser.once_in(2):
                what = chooser.pick(("UNIQUE", "PRIMARY KEY"))
                return f"ALTER TABLE {table.name} ADD {name}{what} ({scalar.name}, {column.name} WITHOUT OVERLAPS)"
            both = f"{scalar.name} WITH =, {column.name} WITH &&"
            return f"ALTER TABLE {table.name} ADD {name}EXCLUDE USING gist ({both})"
        return f"ALTER TABLE {table.name} ADD {name}EXCLUDE USING gist ({column.name} WITH &&)"
    keys = [
        (own, other, k)
        for other in _plain(catalog)
        for k in other.constraints
        if k.kind in "pu" and len(k.columns) == 1
        for own in table.columns
        if own.type == next(c.type for c in other.columns if c.name == k.columns[0])
    ]
    if not keys:
        return f"ALTER TABLE {table.name} ADD {name}UNIQUE ({others}){late}"
    own, other, key = chooser.pick(keys)
    action = chooser.pick(("", " ON DELETE CASCADE", " ON UPDATE SET NULL", " MATCH FULL ON DELETE RESTRICT",
                           f" ON DELETE SET DEFAULT ({own.name})"))  # fmt: skip
    unchecked = chooser.pick((" NOT VALID", *unenforced)) if chooser.once_in(4) and table.has("r") else late
    return (
        f"ALTER TABLE {table.name} ADD {name}FOREIGN KEY ({own.name})"
        f" REFERENCES {other.name} ({key.columns[0]}){action}{unchecked}"
    )


def alter_constraint(chooser: Chooser, catalog: Catalog) -> str | None:
    found = chooser.pick_or_none([(r, k) for r in _plain(catalog) for k in r.constraints])
    if found is None:
        return None
    table, constraint = found
    if not constraint.valid and chooser.once_in(2):
        return f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {constraint.name}"
    if constraint.kind in "cf" and catalog.major >= 18 and chooser.once_in(4):
        how = chooser.pick(("ENFORCED", "NOT ENFORCED"))
        return f"ALTER TABLE {table.name} ALTER CONSTRAINT {constraint.name} {how}"
    if constraint.kind == "n" and chooser.once_in(3):
        how = chooser.pick(("INHERIT", "INHERIT" if _kept(table) & {*constraint.columns} else "NO INHERIT"))
        return f"ALTER TABLE {table.name} ALTER CONSTRAINT {constraint.name} {how}"
    if constraint.kind == "f" and chooser.once_in(3):
        return f"ALTER TABLE {table.name} ALTER CONSTRAINT {constraint.name} DEFERRABLE INITIALLY DEFERRED"
    if chooser.once_in(2):
        return f"ALTER TABLE {table.name} RENAME CONSTRAINT {constraint.name} TO {chooser.new_name()}"
    return f"ALTER TABLE {table.name} DROP CONSTRAINT {constraint.name} CASCADE"


def alter_table(chooser: Chooser, catalog: Catalog) -> str | None:
    table = chooser.pick_or_none(_plain(catalog))
    if table is None:
        return None
    indexes = [i.name.rpartition(".")[2] for i in catalog.indexes if i.table == table.name and '"' not in i.name]
    actions = [
        "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY",
        "SET (fillfactor = 60)", "RESET (fillfactor)", "SET (toast.autovacuum_enabled = off)", "SET UNLOGGED",
        "SET LOGGED", "REPLICA IDENTITY FULL", "REPLICA IDENTITY DEFAULT", "REPLICA IDENTITY NOTHING",
        *(f"CLUSTER ON {index}" for index in indexes), "NOT OF",
    ]  # fmt: skip
    return f"ALTER TABLE {table.name} {chooser.pick(actions)}"


def several_at_once(chooser: Chooser, catalog: Catalog) -> str | None:
    table = chooser.pick_or_none([r for r in catalog.kind("r") if not r.parent and r.columns])
    if table is None:
        return None
    column = chooser.pick(table.columns)
    return (
        f"ALTER TABLE {table.name} ADD COLUMN {chooser.column_name()} {_column(chooser, catalog, None)},"
        f" DROP COLUMN {column.name} CASCADE, ADD CHECK ({condition(chooser, catalog, table.columns)})"
    )


MAKERS: tuple[tuple[Maker, int], ...] = (
    (create_table, 6), (create_table_from, 2), (create_of_type, 1), (create_partitioned, 2), (create_partition, 3),
    (attach_or_detach, 2), (inherit, 1), (add_column, 5), (drop_column, 2), (rename_column, 2), (alter_type, 3),
    (alter_column, 4), (add_constraint, 5), (alter_constraint, 3), (alter_table, 2), (several_at_once, 1),
)  # fmt: skip
