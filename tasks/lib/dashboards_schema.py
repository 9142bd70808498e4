"""Holds a dashboard's JSON to Grafana's schema, as grafana-foundation-sdk has it in its models.

The SDK's from_json() takes a title that is a number, and drops keys that it does not know. So what it has read is
looked at once more: every value against the type that the model declares, and what the model writes against what
was read.
"""

import enum
import json
import types
import typing
from collections.abc import Iterator
from typing import Any


def faults(document: Any) -> list[str]:
    """Where `document` is no dashboard that Grafana's schema describes, one line each."""
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    if not isinstance(document, dict):
        return ["dashboard: is no object"]
    return list(dict.fromkeys([*_read(document, Dashboard, "dashboard"), *_unknown_panels(document)]))


def _read(document: dict[str, Any], wanted: Any, place: str) -> Iterator[str]:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    try:
        model = wanted.from_json(document)
        written = json.loads(json.dumps(model, cls=JSONEncoder))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        yield f"{place}: cannot be read: {type(error).__name__}: {error}"
        return
    yield from _wrong_types(model, place)
    yield from _differences(document, written, place)


def _unknown_panels(document: dict[str, Any]) -> Iterator[str]:
    """Panels and queries of a type that the SDK does not know: of those it would take anything."""
    from grafana_foundation_sdk.cog.runtime import Runtime

    for number, panel in enumerate(document.get("panels") or []):
        if isinstance(panel, dict) and panel.get("type") not in Runtime().panelcfg_variants:
            yield f"dashboard.panels[{number}].type: {panel.get('type')!r} is no panel"


def _wrong_types(model: object, place: str) -> Iterator[str]:
    for name, hint in typing.get_type_hints(type(model)).items():
        yield from _mismatches(getattr(model, name, None), hint, f"{place}.{name.removesuffix('_val')}")


def _mismatches(value: Any, hint: Any, place: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        attempts = [list(_mismatches(value, argument, place)) for argument in arguments]
        # The alternative that is meant is the one whose own type fits, whatever is wrong further inside.
        yield from min(attempts, key=lambda found: (any(line.startswith(f"{place}: ") for line in found), len(found)))
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{place}: {value!r} is none of {', '.join(map(repr, arguments))}"
    elif origin is list and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _mismatches(item, arguments[0], f"{place}[{number}]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _mismatches(item, arguments[1], f"{place}.{key}")
    elif isinstance(origin or hint, type):
        yield from _not_of(value, origin or hint, place)


def _not_of(value: Any, wanted: type, place: str) -> Iterator[str]:
    if issubclass(wanted, enum.Enum):
        if value not in [member.value for member in wanted]:
            yield f"{place}: {value!r} is no {wanted.__name__}"
    elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return  # JSON has one kind of number
    elif isinstance(value, dict) and hasattr(wanted, "from_json"):
        yield from _read(value, wanted, place)  # the SDK leaves some parts as they came
    elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield f"{place}: {value!r} is no {wanted.__name__}"
    elif callable(getattr(value, "to_json", None)):
        yield from _wrong_types(value, place)


def _differences(read: Any, written: Any, place: str) -> Iterator[str]:
    if isinstance(read, dict) and isinstance(written, dict):
        for key in [*read, *(key for key in written if key not in read)]:
            if key not in written:
                yield f"{place}.{key}: no such key"
            elif key not in read:
                yield f"{place}.{key}: is missing"
            else:
                yield from _differences(read[key], written[key], f"{place}.{key}")
    elif isinstance(read, list) and isinstance(written, list) and len(read) == len(written):
        for number, (one, other) in enumerate(zip(read, written, strict=True)):
            yield from _differences(one, other, f"{place}[{number}]")
    elif read != written:
        yield f"{place}: {read!r} would become {written!r}"
