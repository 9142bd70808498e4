"""Drafts an update script out of the steps of pgGit's own plan (selfdiff.py).

The plan has the statements and their order. Added here is what an extension script needs besides: the guard, the words
of the install script, privileges and dumped tables, the version of the data, and marks for what a person must do.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.lib import draftmarks, releasecut
from tasks.lib.catalogdiff import Facts, Key
from tasks.lib.migrationmarks import MARK
from tasks.lib.selfdiff import Step
from tasks.lib.sqlstatements import Words

_QUIET = """\
-- Half of what records is of one version and half of the other while this runs: nothing is recorded meanwhile. The
-- setting keeps which event triggers were on, and how; what it was before is overwritten, since others may set it.
DO $quiet$
DECLARE
    member record;
BEGIN
    PERFORM set_config('pggit.quiet', (
        SELECT coalesce(jsonb_object_agg(e.evtname, e.evtenabled), '{}')::text
        FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
        WHERE p.pronamespace = 'pggit'::regnamespace AND e.evtenabled <> 'D'), true);
    FOR member IN SELECT j.key AS name FROM jsonb_each_text(current_setting('pggit.quiet')::jsonb) j LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I DISABLE', member.name);
    END LOOP;
END
$quiet$;
"""
_ALONE = """\
DO $alone$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pggit.upgrade', 0)) THEN
        RAISE EXCEPTION 'another session is upgrading pgGit'
            USING ERRCODE = 'GT021', HINT = 'Wait for it; pggit.upgrade_log shows how it goes.';
    END IF;
END
$alone$;
"""
_LOUD = """\
DO $loud$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT j.key AS name, CASE j.value WHEN 'A' THEN ' ALWAYS' WHEN 'R' THEN ' REPLICA' ELSE '' END AS how
        FROM jsonb_each_text(current_setting('pggit.quiet')::jsonb) j
    LOOP
        EXECUTE format('ALTER EVENT TRIGGER %I ENABLE%s', member.name, member.how);
    END LOOP;
    PERFORM set_config('pggit.quiet', '', true);
END
$loud$;
"""
_PRIVILEGES = """\
-- Nobody gets anything but what is granted here, whatever the database's default privileges say.
DO $permissions$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT DISTINCT m.kind, m.name,
            CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee
        FROM (
{selects}
        ) m
        CROSS JOIN LATERAL aclexplode(m.acl) a
        WHERE a.grantee <> m.owner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name, member.grantee);
    END LOOP;
END
$permissions$;
"""
_OF_RELATIONS = """\
            SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
                c.oid::regclass::text AS name, c.relowner AS owner,
                coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
            FROM pg_class c WHERE c.oid = ANY (ARRAY[
                {names}]::regclass[])"""
_OF_ROUTINES = """\
            SELECT 'ROUTINE' AS kind, p.oid::regprocedure::text AS name, p.proowner AS owner,
                coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
            FROM pg_proc p WHERE p.oid = ANY (ARRAY[
                {names}]::regprocedure[])"""
_OF_TYPES = """\
            SELECT 'TYPE' AS kind, t.oid::regtype::text AS name, t.typowner AS owner,
                coalesce(t.typacl, acldefault('T', t.typowner)) AS acl
            FROM pg_type t WHERE t.oid = ANY (ARRAY[
                {names}]::regtype[])"""
_RELATIONS = ("table", "partitioned table", "view", "materialized view", "foreign table", "sequence")
_ROUTINES = ("function", "procedure", "aggregate")
_MADE = {"FUNCTION", "PROCEDURE", "AGGREGATE"}


@dataclass(frozen=True)
class Side:
    """One of the two versions: what an installation of it is, and its install script's statements."""

    version: str
    facts: Facts
    words: Words


def draft(steps: Sequence[Step], old: Side, new: Side, leftover: Iterable[str] = ()) -> str:
    """The update script from `old` to `new`.

    Args:
        steps: the plan.
        old: where it leads from.
        new: where it leads to.
        leftover: what a proof of an earlier draft found, which a person must look at.
    """
    parts = [*_unregistered(old, new), *_statements(steps, old, new)]
    parts += [*_privileges(steps, old, new), *_grants(steps, old, new), *_registered(old, new)]
    if parts:
        parts = [_ALONE, _QUIET, *parts, _LOUD]
    parts += [f"{MARK}not drafted, {line}\n" for line in leftover]
    return releasecut.update_script(old.version, new.version, _joined(parts))


_SHORT = re.compile(r"(\w+ \w+)[^\n]*;\n")


def _joined(parts: Sequence[str]) -> str:
    """With a blank line between, but for one-line statements of the same kind."""
    text = ""
    for before, part in pairwise(("", *parts)):
        one, other = _SHORT.fullmatch(before), _SHORT.fullmatch(part)
        text += part if one and other and one[1] == other[1] else f"\n{part}"
    return text


def with_locks(script: str, tables: Iterable[str]) -> str:
    """The script with the tables that it locks in its head, where `pggit upgrade` reads them."""
    found = ", ".join(sorted(tables))
    return script.replace(releasecut.LEAST_LOCKS, f"-- Locks: {found}", 1) if found else script


def _statements(steps: Sequence[Step], old: Side, new: Side) -> Iterator[str]:
    in_words = {
        step.identity
        for step in steps
        if _makes(step) and step.object_type == "TABLE" and new.words.relation("TABLE", step.identity)
    }
    made = {(step.object_type, step.identity) for step in steps if _makes(step)}
    owner = new.facts.get(("schema", "pggit"), {}).get("nspowner", "")
    for step in steps:
        if step.identity in in_words and not (_makes(step) or step.part.startswith("comment") or step.action == "drop"):
            continue  # the table's own words have it
        if step.part == "acl" and (step.object_type, step.identity) in made:
            continue  # see _privileges and _grants
        statements = [_worded(one, step, old, new) for one in step.statements if not _keeps_owner(one, owner)]
        if step.identity in in_words and _makes(step):
            words = new.words.relation("TABLE", step.identity) or ""
            statements = [words, *new.words.alterations(step.identity)]
        if statements:
            told = "".join(f"{MARK}{line}\n" for line in draftmarks.marks(step, old.facts, new.facts))
            yield told + "".join(f"{one};\n" for one in statements)


def _makes(step: Step) -> bool:
    return step.action == "create" and step.part == ""


def _keeps_owner(statement: str, owner: str) -> bool:
    """Whether it gives something to the owner of the extension, who has it anyway."""
    return re.fullmatch(rf"ALTER [A-Z ]+ .* OWNER TO {re.escape(owner)}", statement, re.DOTALL) is not None


def _worded(statement: str, step: Step, old: Side, new: Side) -> str:
    """The statement as the install script has it, where it does."""
    words, name = new.words, step.identity.partition("(")[0]
    if statement.startswith("COMMENT ON "):
        return words.comment(statement) or statement
    if step.part or not re.match(r"CREATE\b", statement):
        return _short(statement) if re.match(r"DROP (FUNCTION|PROCEDURE|AGGREGATE) ", statement) else statement
    if step.object_type in _MADE:
        key = (step.object_type.lower(), step.identity)
        text = words.function(name, new.facts.get(key, {}).get("prosrc", "")) or statement
        # What is there already is replaced. Nothing else may be there: OR REPLACE would take over somebody's own.
        made = "CREATE OR REPLACE" if key in old.facts and step.action == "alter" else "CREATE"
        return re.sub(r"\ACREATE(\s+OR\s+REPLACE)?", made, text, flags=re.IGNORECASE)
    if step.object_type == "VIEW":
        text = words.relation("(?:OR REPLACE )?VIEW", step.identity) or statement
        return re.sub(r"\ACREATE(\s+OR\s+REPLACE)?", "CREATE", text) if step.action == "create" else statement
    if step.object_type == "INDEX":
        return words.index(step.identity) or statement
    if step.object_type == "TRIGGER":
        trigger, _, table = step.identity.partition(" on ")
        return words.trigger(trigger, table) or statement
    return statement


def _short(signature: str) -> str:
    """A signature as one would write it: what is in pg_catalog is found without it."""
    return re.sub(r",(?=\S)", ", ", re.sub(r"(?<=[(,])pg_catalog\.", "", signature))


def _new(kinds: Iterable[str], steps: Sequence[Step], old: Side, new: Side) -> list[Key]:
    """What only the new version has, and what is dropped to be made anew."""
    made = {(step.object_type.lower(), step.identity) for step in steps if _makes(step)}
    return [key for key in sorted(new.facts) if key[0] in kinds and (key not in old.facts or key in made)]


def _privileges(steps: Sequence[Step], old: Side, new: Side) -> Iterator[str]:
    """What a database's default privileges, or PostgreSQL's own, give away of what is new is taken back, but for what
    PUBLIC may do with a new function or type where the install script leaves it that.
    """
    selects = []
    for template, kinds, acl in (
        (_OF_RELATIONS, _RELATIONS, ""),
        (_OF_ROUTINES, _ROUTINES, "proacl"),
        (_OF_TYPES, ("type",), "typacl"),
    ):
        names = [
            _literal(_short(key[1]))
            for key in _new(kinds, steps, old, new)
            if not any(entry.startswith("=") for entry in new.facts[key].get(acl, "").split(", "))
        ]
        if names:
            selects.append(template.format(names=_wrapped(names)))
    if selects:
        yield _PRIVILEGES.format(selects="\n            UNION ALL\n".join(selects))


def _grants(steps: Sequence[Step], old: Side, new: Side) -> Iterator[str]:
    """What others than the owner get of what is new; PUBLIC's loss of what it has by default is told already."""
    made = {(step.object_type, step.identity) for step in steps if _makes(step)}
    for step in steps:
        if step.part == "acl" and (step.object_type, step.identity) in made:
            for statement in step.statements:
                if not re.match(r"REVOKE ALL ON .* FROM PUBLIC\b", statement, re.DOTALL):
                    yield f"{statement};\n"


def _dumped(facts: Facts) -> dict[str, str]:
    return {identity: value["where"] for (kind, identity), value in facts.items() if kind == "dumped by pggit"}


def _registered(old: Side, new: Side) -> Iterator[str]:
    """The tables and sequences whose rows a dump holds from now on, or by another condition."""
    before, after = _dumped(old.facts), _dumped(new.facts)
    changed = sorted(name for name in after if before.get(name) != after[name])
    for name in changed:
        yield f"SELECT pg_extension_config_dump({_literal(name)}::regclass, {_literal(after[name])});\n"


def _unregistered(old: Side, new: Side) -> Iterator[str]:
    """Those whose rows a dump holds no longer. PostgreSQL forgets them only with their membership."""
    before, after = _dumped(old.facts), _dumped(new.facts)
    for name in sorted(before.keys() - after.keys()):
        kind = "SEQUENCE" if ("sequence", name) in old.facts else "TABLE"
        text = f"ALTER EXTENSION pggit DROP {kind} {name};\n"
        if (kind.lower(), name) in new.facts:
            text += f"ALTER EXTENSION pggit ADD {kind} {name};\n"
        yield text


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _wrapped(names: Sequence[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 100:
            lines.append("")
        lines[-1] += f"{name}, "
    return "\n                ".join(line.rstrip() for line in lines).removesuffix(",")
