"""An extension script taken apart into its statements, to find again in which words something is made there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ | ^\\[^\n]* )
    | (?P<quoted>
        [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
      )
    | (?P<end> ; )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def split(script: str) -> Iterator[str]:
    """The statements, each from its first word to what stands before its semicolon."""
    begin = 0
    for token in _TOKEN.finditer(script):
        if token["comment"] is not None and not script[begin : token.start()].strip():
            begin = token.end()
        elif token["end"] is not None:
            text = script[begin : token.start()]
            # A body in standard SQL has statements of its own.
            code = _TOKEN.sub(" ", text)
            if re.search(r"\bBEGIN\s+ATOMIC\b", code, re.IGNORECASE) and not re.search(
                r"\bEND\s*$", code, re.IGNORECASE
            ):
                continue
            begin = token.end()
            if text.strip():
                yield text.strip()
    if script[begin:].strip():
        yield script[begin:].strip()


def plain(statement: str) -> str:
    """The statement without comments, and with one blank between words; what is quoted stays as it is."""
    made, code, begin = [], "", 0
    for token in _TOKEN.finditer(statement):
        code += statement[begin : token.start()]
        begin = token.end()
        if token["comment"] is not None:
            code += " "
        else:
            made += [re.sub(r"\s+", " ", code), token[0]]
            code = ""
    made.append(re.sub(r"\s+", " ", code + statement[begin:]))
    return "".join(made).strip(" ")


def body(statement: str) -> str:
    """What stands between dollars in a statement that makes a function; "" where nothing does."""
    found = (token for token in _TOKEN.finditer(statement) if token["tag"])
    token = next(found, None)
    return token[0].removeprefix(token["tag"]).removesuffix(token["tag"]) if token else ""


@dataclass(frozen=True)
class Words:
    """The statements of a script, by what they make. Names are as PostgreSQL writes them, with their schema."""

    statements: tuple[str, ...]

    def function(self, name: str, body: str) -> str | None:
        """The statement that makes the function or procedure of that name with that body; None where it is not
        to be found, or not alone.
        """
        found = self.makes(name, body)
        return found[0] if len(found) == 1 else None

    def makes(self, name: str, body: str) -> list[str]:
        """The statements that make functions or procedures of that name with that body."""
        made = self._all(rf"CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+{re.escape(name)}\s*\(")
        return [one for one in made if body and any(quoted in one for quoted in _quoted(body))]

    def relation(self, kind: str, name: str) -> str | None:
        """The statement that makes the table or view of that name."""
        return self._one(rf"CREATE\s+(?:UNLOGGED\s+)?{kind}\s+{re.escape(name)}(?![\w.])")

    def alterations(self, table: str) -> tuple[str, ...]:
        """The statements that alter a table after it was made."""
        return self._all(rf"ALTER\s+TABLE\s+(?:ONLY\s+)?{re.escape(table)}(?![\w.])")

    def index(self, name: str) -> str | None:
        """The statement that makes the index of that name."""
        plain = name.rpartition(".")[2]
        return self._one(rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+{re.escape(plain)}\s")

    def trigger(self, name: str, table: str) -> str | None:
        """The statement that makes the trigger of that name on that table."""
        return self._one(
            rf"CREATE\s+(?:CONSTRAINT\s+)?TRIGGER\s+{re.escape(name)}\s.*?\sON\s+{re.escape(table)}(?![\w.])"
        )

    def comment(self, statement: str) -> str | None:
        """The statement that makes the same comment as the one given, on something of the same kind and name."""
        head = re.match(r"(COMMENT\s+ON\s+\w+(?:\s+VIEW)?\s+[^\s(]+).*?\sIS\s+('.*')\Z", statement, re.DOTALL)
        if head is None:
            return None
        found = [one for one in self._all(re.escape(head[1]) + r"(?![\w.])") if one.endswith(head[2])]
        return found[0] if len(found) == 1 else None

    def _all(self, pattern: str) -> tuple[str, ...]:
        wanted = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        return tuple(one for one in self.statements if wanted.match(one))

    def _one(self, pattern: str) -> str | None:
        found = self._all(pattern)
        return found[0] if len(found) == 1 else None


def words(script: str) -> Words:
    """The words of a script."""
    return Words(tuple(split(script)))


def _quoted(body: str) -> tuple[str, ...]:
    return f"${body}$", "'" + body.replace("'", "''") + "'"
