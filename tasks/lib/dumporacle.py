"""The second opinion on whether two databases hold the same extension: pg_dump's, which knows nothing of our comparer.

pg_dump leaves out what belongs to an extension. In a copy of the database the extension's members are made nobody's,
the extension is dropped, which now drops nothing, and what is left is dumped, without rows:

    a = dumporacle.dump(server, "one")           # tasks.lib.servers.Server; nobody may be connected to "one"
    b = dumporacle.dump(server, "other")
    differences = catalogdiff.compare(a, b)

It cannot see rows, which objects are members, which tables' rows a dump holds, nor settings that a script leaves
behind: those only catalogfacts.py tells.
"""

import re
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tasks.lib import servers
from tasks.lib.catalogdiff import Facts, Key
from tasks.lib.errors import PggitError

if TYPE_CHECKING:
    from tasks.lib.servers import Server

# pg_dump gives every entry a head such as "-- Name: history; Type: TABLE; Schema: pggit; Owner: postgres".
_ENTRY = re.compile(r"^--\n-- (?:Data for )?Name: (.*?); Type: (.*?); Schema: (.*?); Owner: .*\n--\n", re.MULTILINE)
_TABLE = re.compile(r"^(CREATE (?:UNLOGGED |FOREIGN )?TABLE [^\n]* \(\n)(.*?)(\n\)[^\n]*)", re.MULTILINE | re.DOTALL)

_ORPHAN = (
    "DELETE FROM pg_catalog.pg_init_privs p WHERE p.privtype = 'e'",
    "DELETE FROM pg_catalog.pg_depend d WHERE d.deptype IN ('e', 'x')"
    " AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
    " AND d.refobjid = (SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.extname = 'pggit')",
    "DROP EXTENSION pggit",
)


def dump(server: "Server", dbname: str, extension: bool = True) -> Facts:
    """pg_dump's entries for the schema of a database whose pggit was made an ordinary schema, by type and name.

    `extension` is false for a database without pggit, which is then dumped as it is.
    Raises PggitError with pg_dump's own words when it fails.
    """
    copy = f"{dbname}_orphaned"
    server.dropdb(copy)
    server.createdb(copy, dbname)
    try:
        if extension:
            orphan(server.dsn(copy))
        result = subprocess.run(
            [str(server.bin / "pg_dump"), "--schema-only", "--no-sync", "-d", server.dsn(copy)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=servers.clean_environment(),
        )
        if result.returncode:
            raise PggitError(f"pg_dump: {result.stderr.strip()}")
    finally:
        server.dropdb(copy)
    return entries(result.stdout)


def orphan(dsn: str) -> None:
    """Make the members of pggit in that database nobody's, and drop the extension."""
    import psycopg

    with psycopg.connect(dsn) as database:
        for statement in _ORPHAN:
            database.execute(statement)


def entries(text: str) -> Facts:
    """The entries of a plain dump; a table's columns are in the order of their names."""
    found: dict[Key, dict[str, str]] = {}
    for key, body in _split(text):
        before = found.get(key, {}).get("text", "")
        found[key] = {"text": before + body}
    return found


def _split(text: str) -> Iterator[tuple[Key, str]]:
    heads = list(_ENTRY.finditer(text))
    ends = [head.start() for head in heads[1:]] + [text.rfind("\n--\n-- PostgreSQL database dump complete")]
    for head, end in zip(heads, ends, strict=True):
        name, kind, schema = head.groups()
        body = re.sub(r"^SET default_\w+ = .*;$", "", text[head.end() : end], flags=re.MULTILINE)
        yield (kind, name if schema == "-" else f"{schema}.{name}"), _TABLE.sub(_sorted_columns, body).strip()


def _sorted_columns(table: re.Match[str]) -> str:
    lines = sorted(line.removesuffix(",") for line in table[2].splitlines())
    return table[1] + ",\n".join(lines) + table[3]
