"""What stands on tables: indexes, views, triggers, rules, policies, statistics; and sequences and schemas."""

from tests.extension.ddlmachine.catalog import Catalog, Relation
from tests.extension.ddlmachine.chooser import Chooser, Maker
from tests.extension.ddlmachine.expressions import condition, indexed

_WORDS = {"r": "TABLE", "p": "TABLE", "f": "FOREIGN TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW"}


def create_schema(chooser: Chooser, catalog: Catalog) -> str:
    owner = f" AUTHORIZATION {chooser.pick(catalog.roles)}" if chooser.once_in(4) else ""
    return f"CREATE SCHEMA {chooser.new_name()}{owner}"


def one_more_schema(chooser: Chooser, catalog: Catalog) -> str | None:
    return None if len(catalog.schemas) > 5 else create_schema(chooser, catalog)


def alter_schema(chooser: Chooser, catalog: Catalog) -> str | None:
    schema = chooser.pick_or_none([s for s in catalog.schemas if s != "public"])
    if schema is None:
        return None
    return (
        f"DROP SCHEMA {schema} CASCADE"
        if chooser.once_in(3)
        else (f"ALTER SCHEMA {schema} RENAME TO {chooser.new_name()}")
    )


def create_index(chooser: Chooser, catalog: Catalog) -> str | None:
    table = chooser.pick_or_none([r for r in catalog.kind("r", "p", "m") if r.columns])
    if table is None:
        return None
    unique = "UNIQUE " if chooser.once_in(4) else ""
    name = chooser.new_name() if chooser.once_in(2) else ""
    parts = [indexed(chooser, catalog, table.columns) + chooser.pick(("", "", " DESC", " NULLS FIRST"))
             for _ in range(1 + chooser.below(2))]  # fmt: skip
    include = f" INCLUDE ({chooser.pick(table.columns).name})" if chooser.once_in(6) else ""
    options = " WITH (fillfactor = 80)" if chooser.once_in(6) else ""
    partial = f" WHERE {condition(chooser, catalog, table.columns)}" if chooser.once_in(3) else ""
    if chooser.once_in(6):
        name = f"CONCURRENTLY {chooser.new_name()}"
    only = "ONLY " if table.has("p") and chooser.once_in(3) else ""
    return f"CREATE {unique}INDEX {name} ON {only}{table.name} ({', '.join(parts)}){include}{options}{partial}"


def alter_index(chooser: Chooser, catalog: Catalog) -> str | None:
    index = chooser.pick_or_none(catalog.indexes)
    if index is None:
        return None
    kind = chooser.below(6)
    if kind == 0:
        return f"DROP INDEX {index.name} CASCADE"
    if kind == 4:
        return f"REINDEX INDEX CONCURRENTLY {index.name}"
    if kind == 5:
        return f"DROP INDEX CONCURRENTLY {index.name}"
    if kind == 1:
        return f"ALTER INDEX {index.name} SET (fillfactor = 90)"
    if kind == 2:
        return f"COMMENT ON INDEX {index.name} IS 'to find %'"
    return f"ALTER INDEX {index.name} RENAME TO {chooser.new_name()}"


def _query(chooser: Chooser, catalog: Catalog, origin: Relation) -> str:
    """Something to select from a relation, with each column named once."""
    kind = chooser.below(7)
    functions = catalog.functions("integer", "integer")
    where = f" WHERE {condition(chooser, catalog, origin.columns)}" if chooser.once_in(2) else ""
    first = chooser.pick(origin.columns)
    if kind == 0:
        return f"SELECT * FROM {origin.name}{where}"
    if kind == 1:
        chosen = ", ".join(f"q.{c.name}" for c in chooser.some(origin.columns, 3))
        return f"SELECT {chosen} FROM {origin.name} q{where}"
    if kind == 2:
        return f"SELECT count(*) AS n, {first.name}::text AS what FROM {origin.name}{where} GROUP BY {first.name}::text"
    if kind == 3:
        other = chooser.pick([r for r in catalog.relations if r.columns])
        return (
            f"SELECT p.{first.name} AS one, q.{chooser.pick(other.columns).name} AS other"
            f" FROM {origin.name} p LEFT JOIN {other.name} q ON true"
        )
    if kind == 4:
        return f"SELECT q AS whole, q.{first.name}::text AS part FROM {origin.name} q{where}"
    if kind == 5 and functions:
        return f"SELECT {chooser.pick(functions).name}(7) AS seven, {first.name} FROM {origin.name}{where}"
    return f"SELECT {first.name}::text AS t FROM {origin.name}{where} UNION ALL SELECT 'x'"


def create_view(chooser: Chooser, catalog: Catalog) -> str | None:
    origin = chooser.pick_or_none([r for r in catalog.relations if r.columns])
    if origin is None:
        return None
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    query = _query(chooser, catalog, origin)
    if chooser.once_in(4):
        return f"CREATE MATERIALIZED VIEW {name} AS {query}{' WITH NO DATA' if chooser.once_in(2) else ''}"
    options = " WITH (security_barrier)" if chooser.once_in(6) else ""
    return f"CREATE VIEW {name}{options} AS {query}"


def alter_view(chooser: Chooser, catalog: Catalog) -> str | None:
    view = chooser.pick_or_none(catalog.kind("v"))
    if view is None:
        return None
    kind = chooser.below(4)
    if kind == 0 and view.columns:
        return f"ALTER VIEW {view.name} ALTER COLUMN {chooser.pick(view.columns).name} SET DEFAULT NULL"
    if kind == 1:
        return f"ALTER VIEW {view.name} {chooser.pick(('SET (security_barrier = true)', 'RESET (security_barrier)'))}"
    return f"CREATE OR REPLACE VIEW {view.name} AS SELECT q.*, 1 AS {chooser.new_name()} FROM ({view.definition}) q"


def refresh(chooser: Chooser, catalog: Catalog) -> str | None:
    view = chooser.pick_or_none(catalog.kind("m"))
    return None if view is None else f"REFRESH MATERIALIZED VIEW {view.name}"


def rename_relation(chooser: Chooser, catalog: Catalog) -> str | None:
    relation = chooser.pick_or_none(catalog.relations)
    return None if relation is None else f"ALTER {_WORDS[relation.kind]} {relation.name} RENAME TO {chooser.new_name()}"


def move_relation(chooser: Chooser, catalog: Catalog) -> str | None:
    relation = chooser.pick_or_none(catalog.relations)
    return (
        None
        if relation is None
        else (f"ALTER {_WORDS[relation.kind]} {relation.name} SET SCHEMA {chooser.pick(catalog.schemas)}")
    )


def drop_relation(chooser: Chooser, catalog: Catalog) -> str | None:
    relation = chooser.pick_or_none(catalog.relations)
    return (
        None
        if relation is None
        else f"DROP {_WORDS[relation.kind]} {relation.name}{chooser.pick((' CASCADE', '', ' CASCADE'))}"
    )


def create_trigger(chooser: Chooser, catalog: Catalog) -> str | None:
    relation = chooser.pick_or_none(catalog.kind("r", "p", "v"))
    functions = [f for f in catalog.routines if f.result == "trigger"]
    if relation is None:
        return None
    if not functions:
        return (
            f"CREATE FUNCTION {chooser.pick(catalog.schemas)}.{chooser.new_name()}() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"
        )
    run = f"EXECUTE FUNCTION {chooser.pick(functions).name}({chooser.pick(('', repr('a %'), '1, 2'))})"
    name = chooser.new_name()
    if relation.has("v"):
        return f"CREATE TRIGGER {name} INSTEAD OF INSERT ON {relation.name} FOR EACH ROW {run}"
    kind = chooser.below(5)
    if kind == 0:
        return f"CREATE CONSTRAINT TRIGGER {name} AFTER UPDATE ON {relation.name} DEFERRABLE FOR EACH ROW {run}"
    if kind == 1 and relation.columns:
        return f"CREATE TRIGGER {name} BEFORE UPDATE OF {chooser.pick(relation.columns).name} ON {relation.name} {run}"
    if kind == 2:
        return (
            f"CREATE TRIGGER {name} AFTER INSERT ON {relation.name} REFERENCING NEW TABLE AS fresh"
            f" FOR EACH STATEMENT {run}"
        )
    plain = tuple(c for c in relation.columns if not c.generated)
    first = chooser.pick(plain).name if plain else None
    when = f" WHEN (new.{first} IS NOT NULL)" if first and chooser.once_in(2) else ""
    return f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {relation.name} FOR EACH ROW{when} {run}"


def alter_trigger(chooser: Chooser, catalog: Catalog) -> str | None:
    found = chooser.pick_or_none([(r, t) for r in catalog.relations for t in r.triggers])
    if found is None:
        return None
    relation, trigger = found
    kind = chooser.below(5)
    if kind == 0:
        return f"DROP TRIGGER {trigger} ON {relation.name}"
    if kind == 1:
        return f"ALTER TRIGGER {trigger} ON {relation.name} RENAME TO {chooser.new_name()}"
    if kind == 2:
        return f"COMMENT ON TRIGGER {trigger} ON {relation.name} IS 'fires'"
    if not relation.has("r", "p"):
        return None
    which = chooser.pick((trigger, trigger, "USER", "ALL"))
    how = chooser.pick(("DISABLE", "ENABLE", "ENABLE REPLICA", "ENABLE ALWAYS"))
    return f"ALTER TABLE {relation.name} {how if which == trigger else how.split()[0]} TRIGGER {which}"


def rule(chooser: Chooser, catalog: Catalog) -> str | None:
    found = chooser.pick_or_none([(r, name) for r in catalog.relations for name in r.rules])
    if found and chooser.once_in(2):
        relation, name = found
        return chooser.pick(
            (
                f"ALTER RULE {name} ON {relation.name} RENAME TO {chooser.new_name()}",
                f"DROP RULE {name} ON {relation.name}",
                f"ALTER TABLE {relation.name} DISABLE RULE {name}",
            )
        )
    target = chooser.pick_or_none(catalog.kind("r", "v"))
    event = chooser.pick(("INSERT", "UPDATE", "DELETE"))
    return (
        None
        if target is None
        else (
            f"CREATE OR REPLACE RULE {chooser.new_name()} AS ON {event} TO {target.name}"
            f" DO {chooser.pick(('INSTEAD NOTHING', 'ALSO SELECT 1', 'ALSO NOTIFY noticed'))}"
        )
    )


def policy(chooser: Chooser, catalog: Catalog) -> str | None:
    found = chooser.pick_or_none([(r, name) for r in catalog.kind("r", "p") for name in r.policies])
    if found and chooser.once_in(2):
        table, name = found
        return chooser.pick(
            (
                f"ALTER POLICY {name} ON {table.name} RENAME TO {chooser.new_name()}",
                f"DROP POLICY {name} ON {table.name}",
                f"ALTER POLICY {name} ON {table.name} TO {chooser.pick(catalog.roles)}",
                f"COMMENT ON POLICY {name} ON {table.name} IS 'who may'",
            )
        )
    target = chooser.pick_or_none([r for r in catalog.kind("r", "p") if r.columns])
    if target is None:
        return None
    to = ", ".join(chooser.some(("PUBLIC", *catalog.roles), 1))
    kind = chooser.pick(("", " AS RESTRICTIVE")) + chooser.pick((" FOR SELECT", "", " FOR DELETE"))
    return (
        f"CREATE POLICY {chooser.new_name()} ON {target.name}{kind} TO {to}"
        f" USING ({condition(chooser, catalog, target.columns)})"
    )


def statistics(chooser: Chooser, catalog: Catalog) -> str | None:
    held = chooser.pick_or_none(catalog.statistics)
    if held and chooser.once_in(2):
        return chooser.pick(
            (
                f"ALTER STATISTICS {held.name} RENAME TO {chooser.new_name()}",
                f"DROP STATISTICS {held.name}",
                f"ALTER STATISTICS {held.name} SET STATISTICS 50",
                f"ALTER STATISTICS {held.name} SET SCHEMA {chooser.pick(catalog.schemas)}",
            )
        )
    table = chooser.pick_or_none([r for r in catalog.kind("r", "m") if len(r.columns) > 1])
    if table is None:
        return None
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    kinds = chooser.pick(("", " (ndistinct)", " (dependencies, mcv)"))
    return f"CREATE STATISTICS {name}{kinds} ON {table.columns[0].name}, {table.columns[1].name} FROM {table.name}"


def sequence(chooser: Chooser, catalog: Catalog) -> str | None:
    held = chooser.pick_or_none([s for s in catalog.sequences if s.free])
    if held is None or chooser.once_in(3):
        options = chooser.pick(("", " AS smallint", " START WITH 5 INCREMENT BY -1 MINVALUE -9 MAXVALUE 9", " CYCLE"))
        return f"CREATE SEQUENCE {chooser.pick(catalog.schemas)}.{chooser.new_name()}{options}"
    owner = chooser.pick_or_none([f"{r.name}.{c.name}" for r in catalog.kind("r") for c in r.columns])
    return chooser.pick(
        (
            f"ALTER SEQUENCE {held.name} INCREMENT BY 10 CACHE 5",
            f"ALTER SEQUENCE {held.name} RENAME TO {chooser.new_name()}",
            f"ALTER SEQUENCE {held.name} OWNED BY {owner or 'NONE'}",
            f"ALTER SEQUENCE {held.name} OWNED BY NONE",
            f"ALTER SEQUENCE {held.name} SET SCHEMA {chooser.pick(catalog.schemas)}",
            f"ALTER SEQUENCE {held.name} AS bigint",
            f"DROP SEQUENCE {held.name} CASCADE",
        )
    )


def foreign(chooser: Chooser, catalog: Catalog) -> str | None:
    name = chooser.new_name()
    if not catalog.servers:
        wrapper = f"w_{len(catalog.relations)}"
        return f"CREATE FOREIGN DATA WRAPPER {wrapper}; CREATE SERVER {name} FOREIGN DATA WRAPPER {wrapper}"
    server = chooser.pick(catalog.servers)
    kind = chooser.below(5)
    if kind == 0:
        return f"ALTER SERVER {server} RENAME TO {name}"
    if kind == 1:
        return f"ALTER SERVER {server} VERSION '2'"
    if kind == 2 and chooser.once_in(2):
        return f"DROP SERVER {server} CASCADE"
    return f"CREATE FOREIGN TABLE {chooser.pick(catalog.schemas)}.{name} (a integer NOT NULL, b text) SERVER {server}"


MAKERS: tuple[tuple[Maker, int], ...] = (
    (one_more_schema, 2), (alter_schema, 1), (create_index, 4), (alter_index, 2), (create_view, 5), (alter_view, 2),
    (refresh, 1), (rename_relation, 3), (move_relation, 2), (drop_relation, 2), (create_trigger, 3),
    (alter_trigger, 2), (rule, 2), (policy, 2), (statistics, 1), (sequence, 2), (foreign, 1),
)  # fmt: skip
