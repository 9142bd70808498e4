"""Enums, domains, composite and range types, collations."""

from tests.extension.ddlmachine.catalog import Catalog
from tests.extension.ddlmachine.chooser import Chooser, Maker, literal
from tests.extension.ddlmachine.expressions import column_type

_LABELS = ("sad", "ok", "it's", "Happy %s", 'q"', "", "ü")


def create_enum(chooser: Chooser, catalog: Catalog) -> str:
    labels = ", ".join(literal(label) for label in chooser.some(_LABELS, 4))
    return f"CREATE TYPE {chooser.pick(catalog.schemas)}.{chooser.new_name()} AS ENUM ({labels})"


def alter_enum(chooser: Chooser, catalog: Catalog) -> str | None:
    enum = chooser.pick_or_none([t for t in catalog.types if t.kind == "e" and t.labels])
    if enum is None:
        return None
    label, new = literal(chooser.pick(enum.labels)), literal(chooser.new_name().strip('"')[:60])
    if chooser.once_in(3):
        return f"ALTER TYPE {enum.name} RENAME VALUE {label} TO {new}"
    return f"ALTER TYPE {enum.name} ADD VALUE {new}{chooser.pick(('', f' BEFORE {label}', f' AFTER {label}'))}"


def create_domain(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    base, value, check = chooser.pick(
        (("integer", "1", "VALUE > 0"), ("text", "'x'", "VALUE <> ''"), ("numeric(6,1)", "0", "VALUE < 1000"))
    )
    words = [f"CREATE DOMAIN {name} AS {base}"]
    if chooser.once_in(3):
        words.append(f"DEFAULT {value}")
    if chooser.once_in(5):
        words.append("NOT NULL")
    if chooser.once_in(2):
        words.append(f"CONSTRAINT {chooser.new_name()} CHECK ({check})")
    return " ".join(words)


def alter_domain(chooser: Chooser, catalog: Catalog) -> str | None:
    domain = chooser.pick_or_none([t for t in catalog.types if t.kind == "d"])
    if domain is None:
        return None
    actions = [
        "SET NOT NULL", "DROP NOT NULL", "SET DEFAULT 5", "DROP DEFAULT", "ADD CHECK (VALUE IS NOT NULL) NOT VALID",
        "ADD CHECK (length(VALUE::text) < 90)",
    ]  # fmt: skip
    for constraint in domain.constraints:
        actions += [f"VALIDATE CONSTRAINT {constraint}", f"DROP CONSTRAINT {constraint}"]
        actions += [f"RENAME CONSTRAINT {constraint} TO {chooser.new_name()}"]
    return f"ALTER DOMAIN {domain.name} {chooser.pick(actions)}"


def create_composite(chooser: Chooser, catalog: Catalog) -> str:
    attributes = ", ".join(
        f"{name} {column_type(chooser, catalog)}" for name in dict.fromkeys(chooser.column_name() for _ in range(2))
    )
    return f"CREATE TYPE {chooser.pick(catalog.schemas)}.{chooser.new_name()} AS ({attributes})"


def alter_composite(chooser: Chooser, catalog: Catalog) -> str | None:
    own = chooser.pick_or_none([t for t in catalog.types if t.kind == "c" and t.attributes])
    if own is None:
        return None
    attribute = chooser.pick(own.attributes)
    return f"ALTER TYPE {own.name} " + chooser.pick(
        (
            f"ADD ATTRIBUTE {chooser.column_name()} {column_type(chooser, catalog)} CASCADE",
            f"DROP ATTRIBUTE {attribute} CASCADE",
            f"RENAME ATTRIBUTE {attribute} TO {chooser.column_name()} CASCADE",
            f"ALTER ATTRIBUTE {attribute} TYPE text CASCADE",
        )
    )


def create_range(chooser: Chooser, catalog: Catalog) -> str:
    name = f"{chooser.pick(catalog.schemas)}.{chooser.new_name()}"
    more = chooser.pick(("", ", subtype_diff = float8mi"))
    return f"CREATE TYPE {name} AS RANGE (subtype = float8{more})"


def collation(chooser: Chooser, catalog: Catalog) -> str:
    held = chooser.pick_or_none(catalog.collations)
    if held and chooser.once_in(2):
        return chooser.pick(
            (
                f"ALTER COLLATION {held.name} RENAME TO {chooser.new_name()}",
                f"ALTER COLLATION {held.name} SET SCHEMA {chooser.pick(catalog.schemas)}",
                f"DROP COLLATION {held.name} CASCADE",
            )
        )
    return f"CREATE COLLATION {chooser.pick(catalog.schemas)}.{chooser.new_name()} (provider = libc, locale = 'POSIX')"


def rename_type(chooser: Chooser, catalog: Catalog) -> str | None:
    own = chooser.pick_or_none(catalog.types)
    if own is None:
        return None
    word = "DOMAIN" if own.kind == "d" else "TYPE"
    return f"ALTER {word} {own.name} RENAME TO {chooser.new_name()}"


def move_type(chooser: Chooser, catalog: Catalog) -> str | None:
    own = chooser.pick_or_none(catalog.types)
    return None if own is None else f"ALTER TYPE {own.name} SET SCHEMA {chooser.pick(catalog.schemas)}"


def drop_type(chooser: Chooser, catalog: Catalog) -> str | None:
    own = chooser.pick_or_none(catalog.types)
    if own is None:
        return None
    word = "DOMAIN" if own.kind == "d" else "TYPE"
    return f"DROP {word} {own.name}{chooser.pick((' CASCADE', ''))}"


MAKERS: tuple[tuple[Maker, int], ...] = (
    (create_enum, 2), (alter_enum, 3), (create_domain, 2), (alter_domain, 2), (create_composite, 2),
    (alter_composite, 2), (create_range, 1), (collation, 1), (rename_type, 1), (move_type, 1), (drop_type, 1),
)  # fmt: skip
