"""Everything that an extension's scripts can make in a database, as facts without OIDs, so that two can be compared.

How to use it, on databases of servers of the same build:

    from tasks.lib import catalogdiff, catalogfacts

    fresh, updated = catalogfacts.read(one), catalogfacts.read(other)     # psycopg connections of superusers
    differences = catalogdiff.compare(fresh, updated)                     # [] means: the same
    print(*differences, sep="\\n")                                         # one readable line each

* `read(connection)` reads the whole database, but for what initdb made. `read(connection, schema="pggit")` keeps
  what is in that schema, hangs on it or is a member of the extension that the schema is named for: for databases
  with other things in them. `rows=False` leaves out the digests of tables' rows, `system=False` those of initdb's own
  catalog rows, which are the same only within one build of the server.
* `leaks(connection, statement)` runs the statement in a transaction and tells which settings it leaves behind there.
* A fact's key is (kind, identity) as pg_identify_object() gives them; its attributes have the names of the
  catalogs' columns ("proconfig", "attnotnull"), or plain words where a column holds a tree or a number
  ("default", "definition", "comment", "depends on", "members", "rows").

Which catalogs there are and which columns point at which is asked of the server: catalogmap.py only says what has to
be told otherwise.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tasks.lib import catalogdiff
from tasks.lib.catalogdiff import Difference, Facts, Key
from tasks.lib.catalogmap import LEFT_OUT, READ, Catalog
from tasks.lib.errors import PggitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    Database = Connection[tuple[Any, ...]]

_SETTINGS = {
    "search_path": "pg_catalog", "quote_all_identifiers": "off", "datestyle": "ISO", "timezone": "UTC",
    "intervalstyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex", "row_security": "off",
}  # fmt: skip
_FIRST_OF_OURS = 16384
"""The OID from which on nothing is initdb's (FirstNormalObjectId in access/transam.h)."""

_CATALOGS = """
    SELECT c.relname,
        array_agg(a.attname::text ORDER BY a.attnum), array_agg(a.atttypid::regtype::text ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY c.relname
"""
_REFERENCES = """
    SELECT k.fktable::text, k.fkcols[1], k.pktable::text, k.is_array
    FROM pg_get_catalog_foreign_keys() k WHERE cardinality(k.fkcols) = 1
"""
_COMMENTS = """
    SELECT i.type, i.identity, jsonb_build_object('comment', d.description)
    FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= 16384
    UNION ALL
    SELECT i.type, i.identity, jsonb_build_object('label of ' || d.provider, d.label)
    FROM pg_seclabel d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= 16384
"""
# What PostgreSQL makes by itself for a table or type is no object of its own here: its row type, its arrays, its
# TOAST table, the triggers of a constraint.
_DEPENDENCIES = """
    WITH own AS (
        SELECT d.* FROM pg_depend d
        WHERE d.objid >= 16384
          AND NOT (d.classid = 'pg_type'::regclass AND (
              EXISTS (SELECT FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
                      WHERE t.oid = d.objid AND c.relkind <> 'c')
              OR EXISTS (SELECT FROM pg_type t WHERE t.typarray = d.objid)))
          AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (
              SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relnamespace = 'pg_toast'::regnamespace))
          AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
              SELECT FROM pg_trigger t WHERE t.oid = d.objid AND t.tgisinternal))
    )
    SELECT i.type, i.identity, jsonb_build_object(
        'depends on', string_agg(DISTINCT concat_ws(' ', o.deptype, r.type, r.identity), E'\\n'))
    FROM own o
    CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) i
    CROSS JOIN LATERAL pg_identify_object(o.refclassid, o.refobjid, o.refobjsubid) r
    GROUP BY i.type, i.identity
    UNION ALL
    SELECT 'extension', r.identity, jsonb_build_object('members', string_agg(concat_ws(' ', i.type, i.identity), E'\\n'
        ORDER BY i.type COLLATE "C", i.identity COLLATE "C"))
    FROM own o
    CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) i
    CROSS JOIN LATERAL pg_identify_object(o.refclassid, o.refobjid, o.refobjsubid) r
    WHERE o.deptype = 'e' GROUP BY r.identity
"""
_APART = """
    SELECT 'dumped by ' || e.extname, coalesce(i.identity, 'a relation that is gone'),
        jsonb_build_object('where', string_agg(t.condition, ' | '))
    FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) AS t (relation, condition)
    CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, t.relation, 0) i
    GROUP BY 1, 2
    UNION ALL
    SELECT 'initial privileges', concat_ws(' ', i.type, i.identity), jsonb_build_object(p.privtype, given.text)
    FROM pg_init_privs p CROSS JOIN LATERAL pg_identify_object(p.classoid, p.objoid, p.objsubid) i
    CROSS JOIN LATERAL (
        SELECT string_agg(x::text, ', ' ORDER BY x::text COLLATE "C") FROM unnest(p.initprivs) x) AS given (text)
    CROSS JOIN LATERAL (
        SELECT string_agg(x::text, ', ' ORDER BY x::text COLLATE "C") FROM unnest(CASE
            WHEN p.classoid = 'pg_proc'::regclass
                THEN (SELECT acldefault('f', o.proowner) FROM pg_proc o WHERE o.oid = p.objoid)
            WHEN p.classoid = 'pg_class'::regclass AND p.objsubid = 0
                THEN (SELECT acldefault(CASE o.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", o.relowner)
                      FROM pg_class o WHERE o.oid = p.objoid)
            WHEN p.classoid = 'pg_type'::regclass
                THEN (SELECT acldefault('T', o.typowner) FROM pg_type o WHERE o.oid = p.objoid)
            WHEN p.classoid = 'pg_namespace'::regclass
                THEN (SELECT acldefault('n', o.nspowner) FROM pg_namespace o WHERE o.oid = p.objoid)
            END) x) AS unless_given (text)
    -- What was given and taken back leaves a row that says what no row says.
    WHERE p.objoid >= 16384 AND given.text IS DISTINCT FROM unless_given.text
    UNION ALL
    SELECT 'database', '', jsonb_build_object('datacl', (
        SELECT string_agg(x::text, ', ' ORDER BY x::text COLLATE "C")
        FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba))) x))
    FROM pg_database d WHERE d.datname = current_database()
    UNION ALL
    SELECT 'settings in the database', CASE s.setrole WHEN 0 THEN 'all roles' ELSE pg_get_userbyid(s.setrole) END,
        jsonb_build_object('setconfig', s.setconfig::text)
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()
"""
_ROWS = """
    SELECT i.type, i.identity, c.relkind,
        (SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attname COLLATE "C") FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_class c CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) i
    WHERE c.oid >= 16384 AND (c.relkind IN ('r', 'S') OR c.relkind = 'm' AND c.relispopulated)
      AND i.schema !~ '^pg_(toast|temp)'
"""


def read(database: "Database", *, schema: str = "", rows: bool = True, system: bool = True) -> Facts:
    """The facts of a database, read by a superuser; the module's description says how to use them.

    Raises PggitError where the server has a catalog that catalogmap.py does not know.
    """
    facts: dict[Key, dict[str, str]] = {}
    with _plain(database):
        for statement in (*_statements(database, system=system and not schema), _COMMENTS, _DEPENDENCIES, _APART):
            for kind, identity, attributes in database.execute(statement).fetchall():
                facts.setdefault((kind, identity or ""), {}).update(_present(attributes))
        if rows:
            for key, found in _rows(database, schema):
                facts.setdefault(key, {}).update(found)
    return within(facts, schema) if schema else facts


def leaks(database: "Database", statement: str, scripts: Iterable[str] = ()) -> list[Difference]:
    """Which settings differ after `statement`, within its transaction, which is rolled back then.

    The server lists no settings of an extension's own that were never declared. Those that the texts `scripts` name,
    and those that functions in the database do, before or after, are asked for one by one.
    """
    texts = list(scripts)
    with database.transaction(force_rollback=True):
        before = _settings(database, texts)
        database.execute(statement)
        after = _settings(database, texts)
    # A setting that is only there afterwards was brought by a library; before, it was what it is unless set.
    return catalogdiff.compare(
        {("setting", name): {"value": before.get(name, (unset, unset))[0]} for name, (_, unset) in after.items()},
        {("setting", name): {"value": value} for name, (value, _) in after.items()},
    )


_OWN_SETTING = re.compile(
    r"(?:set_config|current_setting)\(\s*'(\w+\.[\w.]+)'|\bSET\s+(?:LOCAL\s+|SESSION\s+)?(\w+\.[\w.]+)\s*(?:=|TO\b)",
    re.IGNORECASE,
)


def _settings(database: "Database", scripts: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Each setting with what it is and what it is unless set."""
    sources = database.execute("SELECT p.prosrc FROM pg_catalog.pg_proc p WHERE p.oid >= 16384").fetchall()
    texts = (*scripts, *(source for (source,) in sources))
    known = sorted({(one or other).lower() for text in texts for one, other in _OWN_SETTING.findall(text)})
    found = database.execute(
        "SELECT s.name, s.setting, s.boot_val FROM pg_catalog.pg_settings s UNION ALL"
        " SELECT n.name, pg_catalog.current_setting(n.name, true), '' FROM pg_catalog.unnest(%s::text[]) AS n (name)",
        [known],
    ).fetchall()
    # What was set in a transaction that has ended is an empty text, and no setting at all before.
    return {name: (value or "", unset or "") for name, value, unset in found}


@contextmanager
def _plain(database: "Database") -> "Iterator[None]":
    """Names in full and values in one form; the caller's own settings are back afterwards."""
    with database.transaction(force_rollback=True):
        for name, value in _SETTINGS.items():
            database.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])
        yield


def _present(attributes: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in attributes.items() if value is not None}


def _statements(database: "Database", *, system: bool) -> list[str]:
    """One for each catalog that is read, and one more for what initdb put into it."""
    references: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, column, target, is_array in database.execute(_REFERENCES).fetchall():
        references.setdefault(table, {})[column] = (target, is_array)
    there = {name: dict(zip(names, types, strict=True)) for name, names, types in database.execute(_CATALOGS)}
    unknown = sorted(there.keys() - READ.keys() - LEFT_OUT.keys())
    if unknown:
        raise PggitError(f"tasks/lib/catalogmap.py does not say how to read {', '.join(unknown)}")
    made = []
    for name, catalog in READ.items():
        made.append(_statement(name, catalog, there[name], references.get(name, {})))
        if system:
            made.append(_system_statement(name, catalog, there[name]))
    return made


def _read_columns(catalog: Catalog, columns: dict[str, str]) -> dict[str, str]:
    unread = {"oid", catalog.key, *catalog.without}
    return {
        name: type_
        for name, type_ in columns.items()
        if name not in unread and type_ not in ("pg_node_tree", "int2vector", "xid")
    }


# What these put together (S608) is ours, and the catalogs' own names.
def _statement(name: str, catalog: Catalog, columns: dict[str, str], references: dict[str, tuple[str, bool]]) -> str:
    attributes = dict(catalog.told)
    for column, type_ in _read_columns(catalog, columns).items():
        if column in references:
            target, is_array = references[column]
            attributes[column] = _names_of(column, target) if is_array else _name_of(f"t.{column}", target)
        elif type_ == "aclitem[]":
            attributes[column] = (
                "(SELECT string_agg(x::text, ', ' ORDER BY x::text COLLATE \"C\")"  # noqa: S608
                f" FROM unnest(coalesce(t.{column}, {catalog.default})) x)"
            )
        else:
            attributes[column] = f"t.{column}::text"
    pairs = [f"jsonb_build_object('{word}', {expression})" for word, expression in sorted(attributes.items())]
    return (
        f"SELECT i.type, i.identity, {' || '.join(pairs)} FROM {name} t"  # noqa: S608
        f" CROSS JOIN LATERAL pg_identify_object('{catalog.of or name}'::regclass, t.{catalog.key}, {catalog.part}) i"
        f" WHERE t.{catalog.key} >= {_FIRST_OF_OURS} AND {catalog.where}"
        " AND coalesce(i.schema, '') !~ '^pg_(toast|temp)'"
    )


def _name_of(value: str, target: str) -> str:
    return (
        f"CASE WHEN {value} <> 0 THEN coalesce("
        f"(pg_identify_object('{target}'::regclass, {value}, 0)).identity, 'something that is gone') END"
    )


def _names_of(column: str, target: str) -> str:
    name = f"CASE WHEN x.one = 0 THEN 'PUBLIC' ELSE {_name_of('x.one', target)} END"
    return (
        f"(SELECT string_agg({name}, ', ' ORDER BY x.place)"  # noqa: S608
        f" FROM unnest(t.{column}::oid[]) WITH ORDINALITY AS x (one, place))"
    )


def _system_statement(name: str, catalog: Catalog, columns: dict[str, str]) -> str:
    row = ", ".join(f"t.{column}" for column in ("oid", *_read_columns(catalog, columns)) if column in columns)
    comments = (
        "SELECT string_agg(x.description, '' ORDER BY x.objoid, x.objsubid) FROM pg_description x"  # noqa: S608
        f" WHERE x.classoid = '{name}'::regclass AND x.objoid < {_FIRST_OF_OURS}"
    )
    return (
        f"SELECT 'catalog', '{name}', jsonb_build_object('rows of initdb',"  # noqa: S608
        f" md5(string_agg(md5(ROW({row})::text), '' ORDER BY ROW({row})::text COLLATE \"C\")),"
        f" 'comments of initdb', ({comments}))"
        f" FROM {name} t WHERE t.{catalog.key} < {_FIRST_OF_OURS}"
    )


def _rows(database: "Database", schema: str) -> "Iterator[tuple[Key, dict[str, str]]]":
    for kind, identity, relkind, columns in database.execute(_ROWS).fetchall():
        if schema and not _is_of((kind, identity), schema):
            continue
        if relkind == "S":
            statement = f"SELECT 'state', concat_ws(' ', last_value, is_called) FROM {identity}"  # noqa: S608
        else:
            digest = f"sum(hashtextextended(ROW({columns or ''})::text, 0)::numeric)"
            statement = f"SELECT 'rows', concat_ws(' ', count(*), {digest}) FROM {identity} t"  # noqa: S608
        yield (kind, identity), dict(database.execute(statement).fetchall())


def within(facts: Facts, schema: str) -> Facts:
    """Those of the facts that `read()` would give for the schema alone."""
    members = facts.get(("extension", schema), {}).get("members", "").splitlines()
    return {
        key: value
        for key, value in facts.items()
        if _is_of(key, schema)
        or key == ("extension", schema)
        or key[0] == f"dumped by {schema}"
        or " ".join(key) in members
        or (key[0] == "initial privileges" and key[1] in members)
    }


def _is_of(key: Key, schema: str) -> bool:
    """Whether an object is the schema, in it, or hangs on something in it: a trigger, a rule, a default."""
    kind, identity = key
    words: Sequence[str] = identity.split(" on ") if kind != "initial privileges" else [identity.split(" ", 1)[-1]]
    return (kind == "schema" and identity == schema) or words[-1].removeprefix("for ").startswith(f"{schema}.")
