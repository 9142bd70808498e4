"""YAML that a JSON schema describes: what is wrong with it is said in one line that names the key."""

import difflib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.lib.errors import UsageError
from tasks.lib.paths import BUILD, ROOT


def load(path: Path, schema: Path, checked: Path = BUILD / "checked") -> Any:
    """The content of `path`, known to fit `schema`. Dates stay text.

    A pair of files that passed is remembered in the folder `checked`: importing a JSON schema library
    costs more than a whole no-op build may.

    Raises UsageError: not there, not YAML, a key twice, an unknown or missing key, a value of the wrong form.
    """
    try:
        text, rules = path.read_bytes(), schema.read_bytes()
    except OSError as error:
        raise UsageError(f"{_name(Path(error.filename))}: cannot be read: {error.strerror}") from None
    content = _parse(text, path)
    marker = checked / hashlib.sha256(text + b"\0" + rules).hexdigest()
    if not marker.exists():
        _validate(content, json.loads(rules), path)
        try:
            checked.mkdir(parents=True, exist_ok=True)
            marker.touch()
        except OSError:
            pass  # a read-only checkout is checked each time
    return content


def _parse(text: bytes, path: Path) -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Without dates, which JSON does not know; a key that is no text, or stands twice, is an error."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    continue
                wrong = ""
                if key.tag != "tag:yaml.org,2002:str":
                    wrong = f"the key {key.value} is no text: put it in quotes"
                elif key.value in seen:
                    wrong = f"the key {key.value!r} stands twice"
                if wrong:
                    raise yaml.MarkedYAMLError(problem=wrong, problem_mark=key.start_mark)
                seen.add(key.value)
            mapping: dict[Any, Any] = super().construct_mapping(node, deep)
            return mapping

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{_name(path)}{place}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{_name(path)}: not YAML ({' '.join(str(error).split())})") from None


def _validate(content: Any, rules: dict[str, Any], path: Path) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(rules).iter_errors(content))
    if error is None:
        return
    place = ".".join(str(part) for part in error.absolute_path)
    raise UsageError(f"{_name(path)}: {place + ': ' if place else ''}{_explain(error)}")


def _explain(error: Any) -> str:
    value, expected = error.instance, error.validator_value
    if error.validator == "additionalProperties" and isinstance(value, dict):
        valid = list(error.schema.get("properties", ()))
        unknown = next(key for key in value if key not in valid)
        return f"unknown key {unknown!r}{did_you_mean(str(unknown), valid)}; valid: {', '.join(valid)}"
    if error.validator == "required":
        missing = next(key for key in expected if key not in value)
        return f"the key {missing!r} is missing"
    if error.validator == "enum":
        return f"{value!r} is none of {', '.join(map(str, expected))}{did_you_mean(str(value), expected)}"
    if error.validator == "pattern":
        return f"{value!r} does not have the form {error.schema.get('description', expected)}"
    if error.validator == "type" and "string" in expected and isinstance(value, int | float):
        return f"{value!r} is no text: put it in quotes"
    return str(error.message).splitlines()[0]


def did_you_mean(word: str, valid: Sequence[str]) -> str:
    """A question mark's worth of help: ` (did you mean 'x'?)`, or nothing where nothing is near."""
    near = difflib.get_close_matches(word, list(valid), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
