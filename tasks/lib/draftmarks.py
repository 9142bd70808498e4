"""What a drafted update script cannot decide: which steps lose data, or cost more than a moment under their lock."""

import re
from collections.abc import Iterator, Mapping

from tasks.lib.catalogdiff import Facts, Key
from tasks.lib.selfdiff import Step

_RELATIONS = ("table", "partitioned table", "materialized view")


def marks(step: Step, old: Facts, new: Facts) -> Iterator[str]:
    """What a person must do at this step, and why; `old` and `new` are the facts of both versions."""
    if step.action in ("drop", "alter") and step.loses is not None:
        what = f"the values of {step.identity}.{step.loses}" if step.loses else f"the rows of {step.identity}"
        yield f"park {what} in pggit_attic first, and bring them back on the way here: this step loses them"
    elif step.action == "drop" and step.object_type == "SEQUENCE" and step.part == "":
        yield f"park where {step.identity} stands: this step loses it"
    if step.action == "drop" and step.part == "" and (step.object_type.lower(), step.identity) in _granted(new):
        yield (
            f"{step.identity} is dropped to be made anew: what users were granted on it is lost, and where something of"
            " theirs uses it the update fails"
        )
    there = any((kind, step.identity) in old for kind in _RELATIONS)
    if step.object_type == "TABLE" and step.action == "create" and step.part == "" and not there:
        yield (
            f"{step.identity} begins empty: put in what it would hold by now, worked out from what is there, and what"
            " the way back parked"
        )
    if there and step.action in ("create", "alter"):
        yield from _of_column(step, old, new)
        yield from _of_constraint(step, new)
    if step.object_type == "INDEX" and step.action == "create" and step.part == "":
        yield from _of_index(step, old, new)
    if step.object_type == "TYPE" and any("ADD VALUE" in one for one in step.statements):
        yield f"a value added to {step.identity} cannot be used before the update is committed: not in this script"
    if step.object_type == "MATERIALIZED VIEW" and step.action == "create" and step.part == "":
        yield f"{step.identity} is filled here, under the lock: make it WITH NO DATA and refresh it afterwards"


def _granted(facts: Facts) -> set[Key]:
    """What somebody can have been granted something on."""
    return {key for key, value in facts.items() if not {"relacl", "proacl", "typacl"}.isdisjoint(value)}


def _of_column(step: Step, old: Facts, new: Facts) -> Iterator[str]:
    table = step.identity
    kind, _, name = step.part.partition(" ")
    before, after = (_column(facts, f"{table}.{name}") for facts in (old, new))
    text = " ".join(step.statements)
    if kind == "column" and after and not before:
        default = after.get("default", "")
        if after["attidentity"] or after["attgenerated"] == "s" or "(" in default:
            yield f"{table} is rewritten under its lock, to give {name} a value in every row"
        elif after["attnotnull"] == "true" and not default:
            yield f"{table}.{name} is NOT NULL without a default, which fails where {table} holds rows: fill it first"
        if not after["attgenerated"]:
            yield f"bring back to {table}.{name} what the way back parked"
    elif before and after and any(before.get(one) != after.get(one) for one in ("atttypid", "atttypmod")):
        yield f"{table}.{name} gets another type: {table} is rewritten under its lock, and its indexes are made anew"
    if kind == "column":
        return
    # PostgreSQL 18 words it as a constraint.
    for column in re.findall(r"(?<=ALTER COLUMN )\S+(?= SET NOT NULL)|(?<= NOT NULL )\S+$", text):
        yield f"all rows of {table} are read under its lock, and one that has no {column} makes the update fail"


def _of_constraint(step: Step, new: Facts) -> Iterator[str]:
    kind, _, name = step.part.partition(" ")
    if kind != "constraint" or ("table constraint", f"{name} on {step.identity}") not in new:
        return
    if any("ADD CONSTRAINT" in one and "NOT VALID" not in one for one in step.statements):
        yield (
            f"all rows of {step.identity} are held against {name} under its lock, and one that breaks it makes the"
            " update fail: mend such rows first; NOT VALID now and VALIDATE afterwards where it grows"
        )


def _of_index(step: Step, old: Facts, new: Facts) -> Iterator[str]:
    table = new.get(("index", step.identity), {}).get("indrelid", "")
    if any((kind, table) in old for kind in _RELATIONS):
        yield (
            f"the index is built while writers of {table} wait: take one that was built CONCURRENTLY beforehand,"
            " where it is the same and valid"
        )


def _column(facts: Facts, identity: str) -> Mapping[str, str]:
    return facts.get(("table column", identity), {})
