"""What the database holds of the machine's own making, read anew before each statement."""

from dataclasses import dataclass
from typing import Any

from tests.extension.conftest import Connection


@dataclass(frozen=True)
class Column:
    """A column; names are quoted where SQL wants it."""

    name: str
    type: str
    not_null: bool
    has_default: bool
    identity: str
    generated: str
    inherited: bool


@dataclass(frozen=True)
class Constraint:
    """A constraint of a table."""

    name: str
    kind: str
    valid: bool
    inherited: bool
    no_inherit: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """A table, view, materialized view, foreign table or partitioned table."""

    name: str
    """Qualified."""
    kind: str
    """pg_class.relkind."""
    schema: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    triggers: tuple[str, ...]
    rules: tuple[str, ...]
    policies: tuple[str, ...]
    parent: str | None
    """Of a partition."""
    has_children: bool
    strategy: str | None
    """pg_partitioned_table.partstrat."""
    key_type: str | None
    """Of a partition key's first column."""
    row_security: bool
    definition: str | None
    """Of a view."""

    def has(self, *kinds: str) -> bool:
        """Whether it is one of these kinds."""
        return self.kind in kinds


@dataclass(frozen=True)
class Type:
    """A type the machine made."""

    name: str
    kind: str
    """pg_type.typtype."""
    schema: str
    labels: tuple[str, ...]
    """Of an enum."""
    attributes: tuple[str, ...]
    """Of a composite type."""
    constraints: tuple[str, ...]
    """Of a domain."""


@dataclass(frozen=True)
class Routine:
    """A function, procedure or aggregate."""

    name: str
    """Qualified, without its arguments."""
    signature: str
    """Qualified, with them."""
    kind: str
    """pg_proc.prokind."""
    schema: str
    arguments: str
    result: str
    immutable: bool
    language: str


@dataclass(frozen=True)
class Named:
    """An index, sequence, collation or statistics object."""

    name: str
    schema: str
    table: str | None
    free: bool
    """No constraint's index, no identity column's sequence, no partition's part."""


@dataclass(frozen=True)
class Catalog:
    """All of it, in an order that the names alone decide."""

    major: int
    roles: tuple[str, ...]
    schemas: tuple[str, ...]
    relations: tuple[Relation, ...]
    types: tuple[Type, ...]
    routines: tuple[Routine, ...]
    indexes: tuple[Named, ...]
    sequences: tuple[Named, ...]
    collations: tuple[Named, ...]
    statistics: tuple[Named, ...]
    servers: tuple[str, ...]
    extensions: tuple[str, ...]
    """But pggit and plpgsql."""
    types_of_extensions: tuple[str, ...]
    """That a column can have."""

    def kind(self, *kinds: str) -> list[Relation]:
        """The relations of these kinds."""
        return [r for r in self.relations if r.kind in kinds]

    def functions(self, arguments: str, result: str) -> list[Routine]:
        """The immutable functions of that shape."""
        return [r for r in self.routines
                if r.kind == "f" and r.immutable and r.arguments == arguments and r.result == result]  # fmt: skip


_READ = r"""
WITH own AS (
    SELECT n.oid, quote_ident(n.nspname) AS name FROM pg_namespace n
    WHERE n.nspname !~ '^(pg_|pggit|information_schema)'
)
SELECT jsonb_build_object(
    'schemas', (SELECT jsonb_agg(o.name ORDER BY o.name COLLATE "C") FROM own o),
    'extensions', (SELECT jsonb_agg(quote_ident(e.extname) ORDER BY e.extname COLLATE "C") FROM pg_extension e
        WHERE e.extname NOT IN ('pggit', 'plpgsql')),
    'types_of_extensions', (
        SELECT jsonb_agg(o.name || '.' || quote_ident(t.typname) ORDER BY o.name COLLATE "C", t.typname COLLATE "C")
        FROM pg_type t JOIN own o ON o.oid = t.typnamespace WHERE t.typname IN ('citext', 'hstore', 'cube')),
    'servers', (SELECT jsonb_agg(quote_ident(s.srvname) ORDER BY s.srvname COLLATE "C") FROM pg_foreign_server s),
    'relations', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(c.relname), 'kind', c.relkind, 'schema', o.name,
            'columns', (SELECT jsonb_agg(jsonb_build_object(
                    'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
                    'not_null', a.attnotnull, 'has_default', a.atthasdef AND a.attgenerated = '',
                    'identity', a.attidentity, 'generated', a.attgenerated, 'inherited', a.attinhcount > 0)
                    ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            'constraints', (SELECT jsonb_agg(jsonb_build_object(
                    'name', quote_ident(k.conname), 'kind', k.contype, 'valid', k.convalidated,
                    'no_inherit', k.connoinherit,
                    'inherited', k.coninhcount > 0 OR k.conparentid <> 0,
                    'columns', (SELECT jsonb_agg(quote_ident(a.attname) ORDER BY u.n)
                        FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, n)
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum))
                    ORDER BY k.conname COLLATE "C")
                FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'n', 'p', 'u', 'x')),
            'triggers', (SELECT jsonb_agg(quote_ident(g.tgname) ORDER BY g.tgname COLLATE "C")
                FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
            'rules', (SELECT jsonb_agg(quote_ident(r.rulename) ORDER BY r.rulename COLLATE "C")
                FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),
            'policies', (SELECT jsonb_agg(quote_ident(p.polname) ORDER BY p.polname COLLATE "C")
                FROM pg_policy p WHERE p.polrelid = c.oid),
            'parent', CASE WHEN c.relispartition THEN
                (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid) END,
            'has_children', EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid),
            'strategy', p.partstrat,
            'key_type', (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = p.partattrs[0]),
            'row_security', c.relrowsecurity,
            'definition', CASE WHEN c.relkind IN ('v', 'm') THEN rtrim(pg_get_viewdef(c.oid), ';') END)
            ORDER BY o.name COLLATE "C", c.relname COLLATE "C")
        FROM pg_class c JOIN own o ON o.oid = c.relnamespace
        LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')),
    'types', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(t.typname), 'kind', t.typtype, 'schema', o.name,
            'labels', (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
            'attributes', (SELECT jsonb_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
            'constraints', (SELECT jsonb_agg(quote_ident(k.conname) ORDER BY k.conname COLLATE "C")
                FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
            ORDER BY o.name COLLATE "C", t.typname COLLATE "C")
        FROM pg_type t JOIN own o ON o.oid = t.typnamespace
        LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                          AND d.deptype = 'e')),
    'routines', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(f.proname),
            'signature', format('%s.%I(%s)', o.name, f.proname, pg_get_function_identity_arguments(f.oid)),
            'kind', f.prokind, 'schema', o.name, 'arguments', oidvectortypes(f.proargtypes),
            'result', format_type(f.prorettype, NULL), 'immutable', f.provolatile = 'i', 'language', l.lanname)
            ORDER BY o.name COLLATE "C", f.proname COLLATE "C", oidvectortypes(f.proargtypes) COLLATE "C")
        FROM pg_proc f JOIN own o ON o.oid = f.pronamespace JOIN pg_language l ON l.oid = f.prolang
        -- a range type's own constructors go with the type, and what an extension brought with that
        WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid
                          AND d.deptype IN ('i', 'e'))),
    'indexes', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(c.relname), 'schema', o.name, 'table', i.indrelid::regclass::text,
            'free', NOT c.relispartition
                AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')))
            ORDER BY o.name COLLATE "C", c.relname COLLATE "C")
        FROM pg_class c JOIN own o ON o.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid),
    'sequences', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(c.relname), 'schema', o.name, 'table', NULL,
            'free', NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                AND d.deptype = 'i'))
            ORDER BY o.name COLLATE "C", c.relname COLLATE "C")
        FROM pg_class c JOIN own o ON o.oid = c.relnamespace WHERE c.relkind = 'S'),
    'collations', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(c.collname), 'schema', o.name, 'table', NULL, 'free', true)
            ORDER BY o.name COLLATE "C", c.collname COLLATE "C")
        FROM pg_collation c JOIN own o ON o.oid = c.collnamespace),
    'statistics', (
        SELECT jsonb_agg(jsonb_build_object(
            'name', o.name || '.' || quote_ident(s.stxname), 'schema', o.name, 'table', s.stxrelid::regclass::text,
            'free', true)
            ORDER BY o.name COLLATE "C", s.stxname COLLATE "C")
        FROM pg_statistic_ext s JOIN own o ON o.oid = s.stxnamespace))
"""


def _many(kind: type[Any], rows: list[dict[str, Any]] | None) -> tuple[Any, ...]:
    """Rows of JSON as facts; a missing list is an empty one."""
    nested = {"columns": Column, "constraints": Constraint}
    found = []
    for row in rows or []:
        values: dict[str, Any] = {}
        for field, hint in kind.__annotations__.items():
            value = row[field]
            if kind is Relation and field in nested:
                value = _many(nested[field], value)
            elif str(hint).startswith("tuple"):
                value = tuple(value or ())
            values[field] = value
        found.append(kind(**values))
    return tuple(found)


def read_catalog(db: Connection, roles: tuple[str, ...]) -> Catalog:
    """What is there now; `roles` are those (quoted) that may own things and be granted rights."""
    row = db.execute(_READ).fetchone()
    assert row is not None
    held: dict[str, Any] = row[0]
    return Catalog(
        major=db.info.server_version // 10000,
        roles=roles,
        schemas=tuple(held["schemas"] or ()),
        relations=_many(Relation, held["relations"]),
        types=_many(Type, held["types"]),
        routines=_many(Routine, held["routines"]),
        indexes=_many(Named, held["indexes"]),
        sequences=_many(Named, held["sequences"]),
        collations=_many(Named, held["collations"]),
        statistics=_many(Named, held["statistics"]),
        servers=tuple(held["servers"] or ()),
        extensions=tuple(held["extensions"] or ()),
        types_of_extensions=tuple(held["types_of_extensions"] or ()),
    )
