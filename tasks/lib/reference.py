"""docs/reference.md, made from what the extension's own catalog entries say: COMMENT ON is the one source."""

import re
from typing import TYPE_CHECKING, Any

from tasks.lib.paths import ROOT

if TYPE_CHECKING:
    import psycopg

PAGE = ROOT / "docs" / "reference.md"
_ERRORS = ROOT / "docs" / "errors.md"
# pggit.access_list() says which functions are for users, and what level each needs.
_LEVELS = {
    "reader": ("For readers", "These look, and change nothing in the schema. Each level below may call them, too."),
    "committer": (
        "For committers",
        "These name states of the schema. None of them changes it, but for `commit` where a merge waits: to finish that"
        " needs the next level.",
    ),
    "admin": (
        "For admins",
        "These change the schema, or what is recorded of it. For the statements that they run, the role needs"
        " PostgreSQL's own rights on the objects as well.",
    ),
    "owner": ("For superusers", "These are never granted: they make or drop event triggers, grants or pgGit itself."),
}
_FUNCTIONS = """
    SELECT a.level, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), d.description
    FROM pggit.access_list() a
    JOIN pg_proc p ON p.pronamespace = 'pggit'::regnamespace AND p.proname = a.function_name
    LEFT JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
    WHERE a.is_public ORDER BY p.proname, p.oid"""
_TABLES = """
    SELECT c.relname, d.description, a.attname, format_type(a.atttypid, a.atttypmod), coalesce(ad.description, (
        -- a child's column is its parent's
        SELECT col_description(i.inhparent, b.attnum) FROM pg_inherits i
        JOIN pg_attribute b ON b.attrelid = i.inhparent AND b.attname = a.attname WHERE i.inhrelid = c.oid))
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
    LEFT JOIN pg_description ad ON ad.classoid = 'pg_class'::regclass AND ad.objoid = c.oid AND ad.objsubid = a.attnum
    WHERE c.relnamespace = 'pggit'::regnamespace AND c.relkind IN ('r', 'v')
    ORDER BY c.relname, a.attnum"""


def render(connection: "psycopg.Connection[tuple[Any, ...]]") -> str:
    """The page, for the version of pgGit in this database."""
    lines = [
        "# Reference",
        "",
        "Everything public in schema `pggit`. This page is made by `./inv docs.reference` from the comments in the",
        "extension, so `\\df+ pggit.*` in psql says the same.",
        "",
        "Object arguments accept `schema.name`, a bare name, quoted names, and for functions the argument types in",
        "parentheses. A `ref` is `HEAD`, a branch, a tag or the first digits of a commit's hash; what compares or",
        "rebuilds schemas (`diff`, `export_ddl` and the like) also takes `LIVE`, a restore point or a moment in time.",
        "",
    ]
    functions = connection.execute(_FUNCTIONS).fetchall()
    for level, (title, intro) in _LEVELS.items():
        lines += [f"## {title}", "", intro, ""]
        for needed, name, arguments, result, comment in functions:
            if needed == level:
                returns = f" → `{result}`" if result else ""
                lines += [f"### pggit.{name}", "", f"`{name}({arguments})`{returns}", "", _text(comment), ""]
    lines += ["## Tables and views", "", "Readable for every level; only pgGit's functions write them.", ""]
    table = None
    for name, comment, column, kind, meaning in connection.execute(_TABLES).fetchall():
        if name != table:
            lines += [*([""] if table else []), f"### pggit.{name}", "", _text(comment), ""]
            lines += ["| column | type | meaning |", "|---|---|---|"]
            table = name
        lines.append(f"| {column} | {kind} | {_text(meaning).replace('|', chr(92) + '|')} |")
    codes = re.findall(r"^\| GT\d{3} \|.*$", _ERRORS.read_text("utf-8"), re.MULTILINE)
    lines += ["", "## Errors", "", "[errors.md](errors.md) says more.", "", "| code | meaning |", "|---|---|", *codes]
    return "\n".join(lines) + "\n"


def _text(comment: str | None) -> str:
    """A comment as Markdown that looks like it."""
    return re.sub(r"([\\*<`])", r"\\\1", comment or "")


def write() -> int:
    """Make the page anew with a scratch server; returns the number of lines."""
    import psycopg

    from tasks.lib import serverbuilds
    from tasks.lib.servers import Server

    with Server(serverbuilds.majors()[-1]) as server, psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pggit")
        text = render(connection)
    PAGE.write_text(text, "utf-8")
    return text.count("\n")
