"""Types, constants and expressions that fit a column."""

from tests.extension.ddlmachine.catalog import Catalog, Column, Relation
from tests.extension.ddlmachine.chooser import Chooser, literal

DEFAULTS = {
    "integer": ("0", "-5", "length('abc')", "(2 + 3)"),
    "bigint": ("9000000000", "(1 + 2)"),
    "smallint": ("7",),
    "text": ("'x'", "'it''s'", "CURRENT_USER", "upper('a')", "E'a\\\\b\\n'"),
    "character varying(20)": ("'short'", "'a'::text"),
    "numeric(10,2)": ("1.5", "0"),
    "boolean": ("true", "(1 > 2)"),
    "date": ("'2026-01-02'", "CURRENT_DATE"),
    "timestamp with time zone": ("now()", "'2026-01-01 00:00+02'", "CURRENT_TIMESTAMP"),
    "timestamp(3) without time zone": ("'2026-01-01 10:11:12.345'",),
    "interval": ("'1 day 02:00'",),
    "jsonb": ("'{}'", """'{"a": [1, "%s"]}'"""),
    "uuid": ("gen_random_uuid()", "'00000000-0000-0000-0000-000000000001'"),
    "bytea": ("'\\x00ff'",),
    "double precision": ("0.1", "'NaN'"),
    "integer[]": ("'{1,2}'", "ARRAY[1, 2]"),
    "text[]": ("""'{a,"b c"}'""",),
    "character(3)": ("'abc'",),
    "bit(4)": ("B'1010'",),
    "int4range": ("'[1,5)'",),
    "inet": ("'10.0.0.0/8'",),
    "point": ("'(1,2)'",),
}
"""Types as PostgreSQL writes them, with defaults for each."""

CASTS = (
    "integer", "bigint", "smallint", "numeric(10,2)", "text", "character varying(20)", "double precision", "boolean",
    "text[]",
)  # fmt: skip
"""Types that another type's column may turn into."""

_NUMBERS = ("integer", "bigint", "smallint", "numeric(10,2)", "double precision")
_TEXTS = ("text", "character varying(20)", "character(3)")


def column_type(chooser: Chooser, catalog: Catalog) -> str:
    """A built-in type most often, else one of the machine's own, or an array of it."""
    if catalog.types_of_extensions and chooser.once_in(4):
        return chooser.pick(catalog.types_of_extensions)
    if catalog.types and chooser.once_in(3):
        return chooser.pick(catalog.types).name + ("[]" if chooser.once_in(4) else "")
    return chooser.pick(tuple(DEFAULTS))


def default(chooser: Chooser, catalog: Catalog, type_name: str) -> str | None:
    """A default for a column of that type."""
    for own in catalog.types:
        if own.name == type_name and own.labels:
            return literal(chooser.pick(own.labels))
    functions = catalog.functions("integer", "integer")
    if type_name == "integer" and functions and chooser.once_in(2):
        return f"{chooser.pick(functions).name}(3)"
    if type_name in ("integer", "bigint") and catalog.sequences and chooser.once_in(3):
        return f"nextval({literal(chooser.pick(catalog.sequences).name)}::regclass)"
    return chooser.pick(DEFAULTS[type_name]) if type_name in DEFAULTS else None


def generated(chooser: Chooser, catalog: Catalog, relation: Relation | None) -> str | None:
    """A type and an expression over a table's own columns."""
    plain = [c for c in relation.columns if not c.generated] if relation else []
    numbers = [c for c in plain if c.type == "integer"]
    texts = [c for c in plain if c.type in _TEXTS]
    functions = catalog.functions("integer", "integer")
    where = "VIRTUAL" if catalog.major >= 18 and chooser.once_in(2) else "STORED"
    if numbers and functions and chooser.once_in(2):
        return f"integer GENERATED ALWAYS AS ({chooser.pick(functions).name}({chooser.pick(numbers).name})) STORED"
    if numbers:
        return f"integer GENERATED ALWAYS AS ({chooser.pick(numbers).name} * 2) {where}"
    if texts:
        return f"text GENERATED ALWAYS AS (upper({chooser.pick(texts).name})) {where}"
    return None


def condition(chooser: Chooser, catalog: Catalog, columns: tuple[Column, ...]) -> str:
    """Something that is true or false, over these columns."""
    if not columns:
        return "true"
    column = chooser.pick(columns)
    functions = catalog.functions("integer", "integer")
    for own in catalog.types:
        if own.name == column.type and own.labels:
            return f"{column.name} <> {literal(chooser.pick(own.labels))}"
    if column.type == "integer" and functions and chooser.once_in(2):
        return f"{chooser.pick(functions).name}({column.name}) > 1"
    if column.type in _NUMBERS:
        return chooser.pick((f"{column.name} > 0", f"{column.name} IN (1, 2, 3)", f"{column.name} BETWEEN 1 AND 9"))
    if column.type in _TEXTS:
        return chooser.pick((f"length({column.name}) < 50", f"{column.name} ~ '^[a-z%]'", f"{column.name} <> ''"))
    return f"{column.name} IS NOT NULL"


def indexed(chooser: Chooser, catalog: Catalog, columns: tuple[Column, ...]) -> str:
    """What an index can be over: a column or an expression."""
    column = chooser.pick(columns)
    functions = catalog.functions("integer", "integer")
    if column.type == "integer" and functions and chooser.once_in(3):
        return f"{chooser.pick(functions).name}({column.name})"
    if column.type in _TEXTS and chooser.once_in(3):
        return f"lower({column.name})"
    if column.type in _NUMBERS and chooser.once_in(4):
        return f"({column.name} + 1)"
    if column.type in ("text", "character varying(20)") and chooser.once_in(5):
        return f'{column.name} COLLATE "POSIX"'
    return column.name
