"""Owners, privileges, default privileges and comments."""

from tests.extension.ddlmachine.catalog import Catalog
from tests.extension.ddlmachine.chooser import Chooser, Maker, literal

_ROUTINES = {"f": "FUNCTION", "p": "PROCEDURE", "a": "AGGREGATE", "w": "FUNCTION"}
_RELATIONS = {"r": "TABLE", "p": "TABLE", "f": "FOREIGN TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW"}
_COMMENTS = ("plain", "it's %s %I", 'two\nlines "quoted"', "$$ü$$", "back\\slash")


def _objects(catalog: Catalog) -> list[tuple[str, str]]:
    """Everything that has an owner and a comment, with the word for its kind."""
    return [
        *((_RELATIONS[r.kind], r.name) for r in catalog.relations),
        *(("DOMAIN" if t.kind == "d" else "TYPE", t.name) for t in catalog.types),
        *((_ROUTINES[f.kind], f.signature) for f in catalog.routines),
        *(("SEQUENCE", s.name) for s in catalog.sequences if s.free),
        *(("COLLATION", c.name) for c in catalog.collations),
        *(("STATISTICS", s.name) for s in catalog.statistics),
        *(("SCHEMA", s) for s in catalog.schemas),
    ]


def comment(chooser: Chooser, catalog: Catalog) -> str:
    word, name = chooser.pick(_objects(catalog))
    return f"COMMENT ON {word} {name} IS {'NULL' if chooser.once_in(4) else literal(chooser.pick(_COMMENTS))}"


def comment_on_part(chooser: Chooser, catalog: Catalog) -> str | None:
    parts = [("COLUMN", f"{r.name}.{c.name}") for r in catalog.relations for c in r.columns]
    parts += [("CONSTRAINT", f"{k.name} ON {r.name}") for r in catalog.relations for k in r.constraints]
    parts += [("COLUMN", f"{t.name}.{a}") for t in catalog.types for a in t.attributes]
    parts += [("CONSTRAINT", f"{k} ON DOMAIN {t.name}") for t in catalog.types for k in t.constraints]
    part = chooser.pick_or_none(parts)
    value = "NULL" if chooser.once_in(4) else literal(chooser.pick(_COMMENTS))
    return None if part is None else f"COMMENT ON {part[0]} {part[1]} IS {value}"


def owner(chooser: Chooser, catalog: Catalog) -> str:
    word, name = chooser.pick(_objects(catalog))
    return f"ALTER {word} {name} OWNER TO {chooser.pick(catalog.roles)}"


def grant(chooser: Chooser, catalog: Catalog) -> str | None:
    role = chooser.pick((*catalog.roles, "PUBLIC"))
    option = " WITH GRANT OPTION" if role != "PUBLIC" and chooser.once_in(4) else ""
    relation = chooser.pick_or_none([r for r in catalog.relations if r.columns])
    kind = chooser.below(6)
    if kind <= 2 and relation:
        what = chooser.pick(
            ("SELECT", "INSERT, UPDATE", "ALL", f"SELECT ({chooser.pick(relation.columns).name})",
             f"UPDATE ({chooser.pick(relation.columns).name}), INSERT")
        )  # fmt: skip
        target = f"{what} ON {relation.name}"
    elif kind == 3 and catalog.types:
        target = f"USAGE ON TYPE {chooser.pick(catalog.types).name}"
    elif kind == 4 and catalog.routines:
        target = f"EXECUTE ON ROUTINE {chooser.pick(catalog.routines).signature}"
    elif kind == 5 and catalog.sequences:
        target = f"USAGE ON SEQUENCE {chooser.pick(catalog.sequences).name}"
    else:
        schema = chooser.pick(catalog.schemas)
        target = chooser.pick((f"USAGE, CREATE ON SCHEMA {schema}", f"SELECT ON ALL TABLES IN SCHEMA {schema}"))
    statement = f"GRANT {target} TO {role}{option}"
    if chooser.once_in(3):
        statement = f"REVOKE {target} FROM {role} CASCADE"
    if chooser.once_in(4):  # whoever may grant can do so, be it the owner or not
        return f"SET ROLE {chooser.pick(catalog.roles)}; {statement}; RESET ROLE"
    return statement


def default_privileges(chooser: Chooser, catalog: Catalog) -> str:
    words = ["ALTER DEFAULT PRIVILEGES"]
    if chooser.once_in(2):
        words.append(f"FOR ROLE {chooser.pick(catalog.roles)}")
    if chooser.once_in(2):
        words.append(f"IN SCHEMA {chooser.pick(catalog.schemas)}")
    what = chooser.pick(("SELECT ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON FUNCTIONS", "USAGE ON TYPES"))
    role = chooser.pick((*catalog.roles, "PUBLIC"))
    option = " WITH GRANT OPTION" if role != "PUBLIC" and chooser.once_in(4) else ""
    words.append(f"REVOKE {what} FROM {role}" if chooser.once_in(3) else f"GRANT {what} TO {role}{option}")
    return " ".join(words)


def drop_owned(chooser: Chooser, catalog: Catalog) -> str | None:
    return f"DROP OWNED BY {chooser.pick(catalog.roles)} CASCADE" if chooser.once_in(3) else None


MAKERS: tuple[tuple[Maker, int], ...] = (
    (comment, 2), (comment_on_part, 2), (owner, 3), (grant, 5), (default_privileges, 1), (drop_owned, 1),
)  # fmt: skip
