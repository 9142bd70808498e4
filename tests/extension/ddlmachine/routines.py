"""Functions, procedures and aggregates."""

from tests.extension.ddlmachine.catalog import Catalog
from tests.extension.ddlmachine.chooser import Chooser, Maker

_WORDS = {"f": "FUNCTION", "p": "PROCEDURE", "a": "AGGREGATE", "w": "FUNCTION"}


def create_function(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    kind = chooser.below(8)
    relation = chooser.pick_or_none([r for r in catalog.relations if r.columns])
    own = chooser.pick_or_none(catalog.types)
    if kind <= 1:
        return f"CREATE FUNCTION {name}(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'"
    if kind == 2:
        return f"CREATE FUNCTION {name}(n integer) RETURNS integer IMMUTABLE BEGIN ATOMIC SELECT n * 2; END"
    if kind == 3 and relation:
        return (
            f"CREATE FUNCTION {name}() RETURNS SETOF {relation.name} LANGUAGE sql STABLE"
            f" BEGIN ATOMIC SELECT * FROM {relation.name}; END"
        )
    if kind == 4 and own:
        return f"CREATE FUNCTION {name}(x {own.name}) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN x::text; END'"
    if kind == 5 and relation:
        return f"CREATE FUNCTION {name}(r {relation.name}) RETURNS text RETURN (r).{relation.columns[0].name}::text"
    if kind == 6:
        return (
            f"CREATE FUNCTION {name}(a integer, b text DEFAULT 'it''s', VARIADIC c integer[] DEFAULT '{{}}')"
            " RETURNS TABLE (x integer, y text) LANGUAGE plpgsql STRICT SECURITY DEFINER PARALLEL SAFE COST 5 ROWS 7"
            " SET search_path = pg_catalog, pg_temp SET work_mem = '1MB' AS $q$ BEGIN RETURN; END $q$"
        )
    return f"CREATE FUNCTION {name}(a integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN a; END'"


def create_procedure(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    if chooser.once_in(2):
        return f"CREATE PROCEDURE {name}(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN n := n + 1; END'"
    return f"CREATE AGGREGATE {name}(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0')"


def replace_function(chooser: Chooser, catalog: Catalog) -> str | None:
    function = chooser.pick_or_none([r for r in catalog.routines if r.kind == "f" and r.arguments == "integer"
                                     and r.result == "integer" and "(integer)" in r.signature])  # fmt: skip
    if function is None:
        return None
    return chooser.pick(
        (
            f"CREATE OR REPLACE FUNCTION {function.name}(integer) RETURNS integer LANGUAGE sql IMMUTABLE"
            f" AS 'SELECT $1 + {chooser.below(9)}'",
            f"CREATE OR REPLACE FUNCTION {function.name}(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT"
            " AS 'BEGIN RETURN $1; END'",
            f"CREATE OR REPLACE FUNCTION {function.name}(integer, text) RETURNS text LANGUAGE sql AS 'SELECT $2'",
        )
    )


def alter_function(chooser: Chooser, catalog: Catalog) -> str | None:
    routine = chooser.pick_or_none(catalog.routines)
    if routine is None:
        return None
    actions = [f"RENAME TO {chooser.new_name()}", f"SET SCHEMA {chooser.pick(catalog.schemas)}"]
    if routine.kind == "f":
        actions += ["COST 77", "STRICT", "SET work_mem = '2MB'", "RESET ALL", "SECURITY DEFINER", "PARALLEL SAFE",
                    "LEAKPROOF", "VOLATILE"]  # fmt: skip
    if routine.kind == "p":
        actions += ["SECURITY DEFINER", "SET search_path = public"]
    return f"ALTER {_WORDS[routine.kind]} {routine.signature} {chooser.pick(actions)}"


def drop_function(chooser: Chooser, catalog: Catalog) -> str | None:
    routine = chooser.pick_or_none(catalog.routines)
    return (
        None if routine is None else f"DROP {_WORDS[routine.kind]} {routine.signature}{chooser.pick((' CASCADE', ''))}"
    )


MAKERS: tuple[tuple[Maker, int], ...] = (
    (create_function, 4), (create_procedure, 1), (replace_function, 2), (alter_function, 2), (drop_function, 1),
)  # fmt: skip
