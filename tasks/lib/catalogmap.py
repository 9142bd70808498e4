"""Which of PostgreSQL's catalogs catalogfacts.py reads, and what of them has to be put otherwise than it stands there.

Every catalog of a server is either in READ or, with the reason, in LEFT_OUT; of those in READ every column is read
that is not named here. A new major's new catalogs and columns are so never left out unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PHYSICAL = "physical "
"""How the attributes begin that tell how something came to be, not what it is: the order of a table's columns."""

_TOAST_OPTIONS = "(SELECT x.reloptions::text FROM pg_class x WHERE x.oid = t.reltoastrelid)"
_COLUMN_DEFAULT = (
    "(SELECT pg_get_expr(x.adbin, x.adrelid) FROM pg_attrdef x WHERE (x.adrelid, x.adnum) = (t.attrelid, t.attnum))"
)
_POSITION = (
    "(SELECT count(*) FROM pg_attribute x WHERE x.attrelid = t.attrelid AND x.attnum BETWEEN 1 AND t.attnum"
    " AND NOT x.attisdropped)"
)
_RELATION_KIND = "(SELECT x.relkind FROM pg_class x WHERE x.oid = t.attrelid)"
_DROPPED_COLUMNS = "(SELECT count(*) FROM pg_attribute x WHERE x.attrelid = t.oid AND x.attisdropped)"
_PARENTS = (
    "(SELECT string_agg(concat_ws(' ', x.inhparent::regclass, nullif(x.inhdetachpending, false)), ', '"
    " ORDER BY x.inhseqno) FROM pg_inherits x WHERE x.inhrelid = t.oid)"
)
_LABELS = (
    "(SELECT string_agg(quote_literal(x.enumlabel), ', ' ORDER BY x.enumsortorder) FROM pg_enum x"
    " WHERE x.enumtypid = t.oid)"
)
_INNER_TRIGGERS = (
    "(SELECT string_agg(x.tgenabled::text, '' ORDER BY x.tgrelid::regclass::text, x.tgtype)"
    " FROM pg_trigger x WHERE x.tgconstraint = t.oid AND x.tgisinternal)"
)
_INDEX_STATISTICS = (
    "(SELECT string_agg(concat(x.attnum, ' ', x.attstattarget), ', ' ORDER BY x.attnum) FROM pg_attribute x"
    " WHERE x.attrelid = t.indexrelid AND x.attstattarget >= 0)"
)
_TOKENS = (
    "(SELECT string_agg(concat_ws(' ', x.maptokentype, x.mapseqno, x.mapdict::regdictionary), ', '"
    " ORDER BY x.maptokentype, x.mapseqno) FROM pg_ts_config_map x WHERE x.mapcfg = t.oid)"
)
_PUBLISHED_COLUMNS = (
    "(SELECT string_agg(x.attname, ', ' ORDER BY x.attname) FROM pg_attribute x"
    " WHERE x.attrelid = t.prrelid AND x.attnum = ANY (t.prattrs))"
)


@dataclass(frozen=True)
class Catalog:
    """How the rows `t` of one catalog become facts.

    Attributes:
        key: the column with the OID of the object that a row tells of.
        of: the catalog that object stands in, where it is not this one.
        part: SQL for the number of the column that a row tells of, where it tells of one.
        where: SQL for which rows are read, of those that initdb did not make.
        told: attributes that are put by SQL over the row, in place of columns that hold trees and numbers.
        without: columns that are not read; those that hold trees (pg_node_tree) and numbers of columns never are.
        default: SQL for the privileges that an empty list stands for.
    """

    key: str = "oid"
    of: str = ""
    part: str = "0"
    where: str = "true"
    told: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    default: str = "'{}'::aclitem[]"


READ: Mapping[str, Catalog] = {
    "pg_aggregate": Catalog(key="aggfnoid", of="pg_proc"),
    "pg_am": Catalog(),
    "pg_amop": Catalog(),
    "pg_amproc": Catalog(),
    "pg_attribute": Catalog(
        key="attrelid",
        of="pg_class",
        part="t.attnum",
        where=f"t.attnum > 0 AND NOT t.attisdropped AND {_RELATION_KIND} IN ('r', 'p', 'v', 'm', 'f', 'c')",
        told={
            "default": _COLUMN_DEFAULT,
            "position": f"CASE WHEN {_RELATION_KIND} NOT IN ('r', 'p', 'f') THEN {_POSITION} END",
            f"{PHYSICAL}position": f"CASE WHEN {_RELATION_KIND} IN ('r', 'p', 'f') THEN {_POSITION} END",
        },
        without=frozenset({"attnum", "attcacheoff", "atthasmissing", "attmissingval", "attisdropped"}),
    ),
    "pg_cast": Catalog(),
    "pg_class": Catalog(
        where="t.relkind <> 't'",
        told={
            "view": "CASE WHEN t.relkind IN ('v', 'm') THEN pg_get_viewdef(t.oid) END",
            "inherits": _PARENTS,
            "partition": "pg_get_expr(t.relpartbound, t.oid)",
            "toast options": _TOAST_OPTIONS,
            f"{PHYSICAL}dropped columns": f"CASE WHEN t.relkind IN ('r', 'p', 'f') THEN {_DROPPED_COLUMNS} END",
        },
        # Counts and marks that the server keeps for itself, some of them only set and never taken back.
        without=frozenset(
            {
                *("reltype", "relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "reltoastrelid"),
                *("relhasindex", "relhasrules", "relhastriggers", "relhassubclass", "relnatts", "relrewrite"),
            }
        ),
        default="acldefault(CASE t.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", t.relowner)",
    ),
    "pg_collation": Catalog(),
    "pg_constraint": Catalog(
        told={"definition": "pg_get_constraintdef(t.oid)", "inner triggers": _INNER_TRIGGERS},
        without=frozenset({"conkey", "confkey", "confdelsetcols"}),
    ),
    "pg_conversion": Catalog(),
    "pg_default_acl": Catalog(),
    "pg_event_trigger": Catalog(),
    "pg_extension": Catalog(without=frozenset({"extconfig", "extcondition"})),
    "pg_foreign_data_wrapper": Catalog(default="acldefault('F', t.fdwowner)"),
    "pg_foreign_server": Catalog(default="acldefault('S', t.srvowner)"),
    "pg_foreign_table": Catalog(key="ftrelid", of="pg_class"),
    "pg_index": Catalog(
        key="indexrelid",
        of="pg_class",
        told={"definition": "pg_get_indexdef(t.indexrelid)", "statistics": _INDEX_STATISTICS},
        without=frozenset({"indcheckxmin"}),
    ),
    "pg_language": Catalog(default="acldefault('l', t.lanowner)"),
    "pg_namespace": Catalog(where="t.nspname !~ '^pg_(toast|temp)'", default="acldefault('n', t.nspowner)"),
    "pg_opclass": Catalog(),
    "pg_operator": Catalog(),
    "pg_opfamily": Catalog(),
    "pg_partitioned_table": Catalog(key="partrelid", of="pg_class", told={"key": "pg_get_partkeydef(t.partrelid)"}),
    "pg_policy": Catalog(
        told={
            "using": "pg_get_expr(t.polqual, t.polrelid)",
            "check": "pg_get_expr(t.polwithcheck, t.polrelid)",
        }
    ),
    "pg_proc": Catalog(
        told={"arguments": "pg_get_function_arguments(t.oid)", "body": "pg_get_function_sqlbody(t.oid)"},
        default="acldefault('f', t.proowner)",
    ),
    "pg_publication": Catalog(),
    "pg_publication_namespace": Catalog(),
    "pg_publication_rel": Catalog(
        told={"where": "pg_get_expr(t.prqual, t.prrelid)", "columns": _PUBLISHED_COLUMNS},
    ),
    "pg_range": Catalog(key="rngtypid", of="pg_type"),
    "pg_rewrite": Catalog(told={"definition": "pg_get_ruledef(t.oid)"}),
    "pg_sequence": Catalog(key="seqrelid", of="pg_class"),
    "pg_statistic_ext": Catalog(told={"definition": "pg_get_statisticsobjdef(t.oid)"}),
    "pg_transform": Catalog(),
    # Those that PostgreSQL makes for a constraint have OIDs for names and are told with it.
    "pg_trigger": Catalog(where="NOT t.tgisinternal", told={"definition": "pg_get_triggerdef(t.oid)"}),
    "pg_ts_config": Catalog(told={"mappings": _TOKENS}),
    "pg_ts_dict": Catalog(),
    "pg_ts_parser": Catalog(),
    "pg_ts_template": Catalog(),
    # The types of a table and of arrays come and go with what they are of. From 17 on they are members of the
    # extension, but not after pg_upgrade: whether they are says nothing.
    "pg_type": Catalog(
        where="NOT EXISTS (SELECT FROM pg_class x WHERE x.oid = t.typrelid AND x.relkind <> 'c')"
        " AND NOT EXISTS (SELECT FROM pg_type x WHERE x.typarray = t.oid)",
        told={"labels": _LABELS},
        without=frozenset({"typarray", "typrelid"}),
        default="acldefault('T', t.typowner)",
    ),
    "pg_user_mapping": Catalog(),
}

_CLUSTER = "belongs to the whole cluster"
_READ_APART = "read by a statement of its own"
LEFT_OUT: Mapping[str, str] = {
    "pg_attrdef": "told with its column",
    "pg_auth_members": _CLUSTER,
    "pg_authid": _CLUSTER,
    "pg_database": _READ_APART,
    "pg_db_role_setting": _READ_APART,
    "pg_depend": _READ_APART,
    "pg_description": _READ_APART,
    "pg_enum": "told with its type",
    "pg_inherits": "told with the table",
    "pg_init_privs": _READ_APART,
    "pg_largeobject": "has no name but its OID",
    "pg_largeobject_metadata": "has no name but its OID",
    "pg_parameter_acl": _CLUSTER,
    "pg_replication_origin": _CLUSTER,
    "pg_seclabel": _READ_APART,
    "pg_shdepend": "follows from owners and privileges",
    "pg_shdescription": _CLUSTER,
    "pg_shseclabel": _CLUSTER,
    "pg_statistic": "what ANALYZE found",
    "pg_statistic_ext_data": "what ANALYZE found",
    "pg_subscription": "a connection to another server, which no script can make",
    "pg_subscription_rel": "how far a subscription is",
    "pg_tablespace": _CLUSTER,
    "pg_ts_config_map": "told with its configuration",
}
