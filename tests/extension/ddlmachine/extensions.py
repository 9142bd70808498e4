"""Extensions, which bring objects of their own that are not tracked by themselves."""

from tests.extension.ddlmachine.catalog import Catalog
from tests.extension.ddlmachine.chooser import Chooser, Maker

_KNOWN = ("citext", "hstore", "btree_gist", "pg_trgm", "earthdistance")
"""Each can be moved to another schema, but earthdistance, which needs cube."""


def create_extension(chooser: Chooser, catalog: Catalog) -> str | None:
    missing = chooser.pick_or_none([name for name in _KNOWN if name not in catalog.extensions])
    if missing is None:
        return None
    return f"CREATE EXTENSION {missing} SCHEMA {chooser.pick(catalog.schemas)} CASCADE"


def alter_extension(chooser: Chooser, catalog: Catalog) -> str | None:
    held = chooser.pick_or_none(catalog.extensions)
    if held is None:
        return None
    return chooser.pick(
        (
            f"ALTER EXTENSION {held} SET SCHEMA {chooser.pick(catalog.schemas)}",
            f"COMMENT ON EXTENSION {held} IS 'brings %'",
            f"DROP EXTENSION {held} CASCADE",
        )
    )


MAKERS: tuple[tuple[Maker, int], ...] = ((create_extension, 1), (alter_extension, 1))
