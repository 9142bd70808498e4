"""A machine that thinks up schema changes: each next statement fits what the catalog holds by then.

`next_statement(chooser, catalog)` returns SQL text. All its freedom is in the chooser, so that hypothesis can drive it
and shrink what it found, and a seed repeats it. Most statements succeed; what PostgreSQL refuses is fine, too.
"""

import random

from tests.extension.ddlmachine import extensions, relations, rights, routines, tables, types
from tests.extension.ddlmachine.catalog import Catalog, read_catalog
from tests.extension.ddlmachine.chooser import Chooser, Maker

__all__ = ["SETTINGS", "Catalog", "Chooser", "next_statement", "read_catalog"]

SETTINGS = "SET search_path = pg_catalog; SET lock_timeout = '10s'; SET check_function_bodies = on"
"""What the session that runs the statements needs: every name in them is qualified."""

_MAKERS: list[Maker] = [
    maker
    for part in (tables.MAKERS, relations.MAKERS, types.MAKERS, routines.MAKERS, rights.MAKERS, extensions.MAKERS)
    for maker, weight in part
    for _ in range(weight)
]
random.Random(0).shuffle(_MAKERS)  # noqa: S311 - so that the next one is of another sort


def next_statement(chooser: Chooser, catalog: Catalog) -> str:
    """One statement; a maker that has nothing to work on leaves its turn to the next one."""
    if not catalog.schemas:
        return relations.create_schema(chooser, catalog)
    if len(catalog.relations) < 2 and chooser.once_in(2):
        return tables.create_table(chooser, catalog)
    first = chooser.below(len(_MAKERS))
    for turn in range(len(_MAKERS)):
        statement = _MAKERS[(first + turn) % len(_MAKERS)](chooser, catalog)
        if statement is not None:
            return statement
    raise AssertionError("even CREATE TABLE had nothing to do")
