"""What update scripts say nothing of, told from the scripts alone."""

import re

import pytest

from tasks.lib import lint, migrationcheck, sqlscript
from tasks.lib.sqlscript import guard

FUNCTION = "CREATE FUNCTION pggit.f() RETURNS integer\nLANGUAGE plpgsql AS $$\nBEGIN\n    RETURN 1; -- one\nEND\n$$;\n"
TABLE = "CREATE TABLE pggit.t (id integer);\nCREATE INDEX t_id ON pggit.t (id);\n"
OTHER = FUNCTION.replace("RETURN 1", "RETURN 2")


def forgotten(old: str, new: str, up: str, down: str = "") -> list[str]:
    files = {"1": old, "2": new, "1--2": up, "2--1": down}
    every = {
        f"pggit--{name}.sql": (guard("ALTER EXTENSION pggit UPDATE") + text).encode() for name, text in files.items()
    }
    return [one for one in migrationcheck.forgotten(every) if one.startswith("pggit--1--2.sql")]


def test_the_same_needs_nothing() -> None:
    assert forgotten(FUNCTION + TABLE, FUNCTION + TABLE, "") == []


@pytest.mark.parametrize(
    "new",
    [
        "-- a comment;\n" + FUNCTION,
        FUNCTION.replace("integer\n", "integer /* it's\n one */\n   "),
        FUNCTION + "-- at the end",
    ],
)
def test_comments_and_blanks_outside_of_bodies_count_for_nothing(new: str) -> None:
    assert forgotten(FUNCTION, new, "") == []


def test_a_changed_function_is_named_with_the_command_that_drafts() -> None:
    assert forgotten(FUNCTION, OTHER, "SELECT 1;") == [
        "pggit--1--2.sql says nothing, or not the same, of pggit.f;"
        " draft it: ./inv migration.new --from=1 --to=2 --output=build/draft"
    ]


@pytest.mark.parametrize("comment", ["-- one", "-- two"])
def test_a_comment_in_a_body_is_part_of_the_function(comment: str) -> None:
    assert bool(forgotten(FUNCTION, FUNCTION.replace("-- one", comment), "")) == (comment == "-- two")


@pytest.mark.parametrize(
    ("old", "new", "up"),
    [
        (FUNCTION, OTHER, OTHER.replace("CREATE", "CREATE OR REPLACE").replace("integer\n", "integer ")),
        (FUNCTION, OTHER, "DROP FUNCTION pggit.f();" + OTHER),
        (FUNCTION, FUNCTION.replace("LANGUAGE", "STRICT LANGUAGE"), "ALTER FUNCTION pggit.f() STRICT;"),
        ("", TABLE, TABLE.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")),
        (TABLE, TABLE.replace("id integer", "id integer, b text"), "ALTER TABLE pggit.t ADD COLUMN b text;"),
        (TABLE, "", "DROP TABLE pggit.t;"),
        (FUNCTION, "", "DROP FUNCTION pggit.f();"),
        (
            TABLE + "COMMENT ON TABLE pggit.t IS 'a';",
            TABLE + "COMMENT ON TABLE pggit.t IS 'b';",
            "COMMENT ON TABLE pggit.t IS 'b';",
        ),
    ],
)
def test_what_an_update_script_says_is_enough(old: str, new: str, up: str) -> None:
    assert forgotten(old, new, up) == []


@pytest.mark.parametrize(
    ("old", "new", "up", "name"),
    [
        (FUNCTION, OTHER, "ALTER FUNCTION pggit.f() STRICT;", "pggit.f"),
        (FUNCTION, OTHER, OTHER.replace("RETURN 2", "RETURN 3"), "pggit.f"),
        (FUNCTION, OTHER, OTHER.replace("pggit.f", "pggit.ff"), "pggit.f"),
        (FUNCTION, FUNCTION.replace("LANGUAGE", "STRICT LANGUAGE"), "", "pggit.f"),
        ("", TABLE, "CREATE TABLE pggit.t (id integer);", "t_id"),
        (TABLE, TABLE.replace("id integer", "id integer, b text"), "", "pggit.t"),
        (TABLE, TABLE.replace("(id);", "(id) WHERE id > 1;"), "SELECT 't_idx', pggit.t.x;", "t_id"),
        (FUNCTION, "", "-- DROP FUNCTION pggit.f();", "pggit.f"),
        (TABLE, TABLE.partition("\n")[0], "", "t_id"),
        (TABLE, TABLE + "COMMENT ON TABLE pggit.t IS 'b';", "", "pggit.t"),
        ("", "CREATE VIEW pggit.v AS SELECT 1;", "", "pggit.v"),
    ],
)
def test_what_it_leaves_out_is_found(old: str, new: str, up: str, name: str) -> None:
    (fault,) = forgotten(old, new, up)
    assert f" of {name}; " in fault


def test_many_are_one_line() -> None:
    every = "".join(FUNCTION.replace("pggit.f", f"pggit.f{n}") for n in range(5))
    (fault,) = forgotten("", every, "")
    assert "of pggit.f0, pggit.f1, pggit.f2 and 2 more;" in fault


def test_lint_holds_this_checkout_to_it() -> None:
    assert migrationcheck.faults in [check.find for check in lint.CHECKS]
    assert migrationcheck.faults() == []


def test_each_script_locks_what_those_who_record_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a command beside the update could be recorded with functions of the one version and of the other."""
    files = sqlscript.unchecked_contents()
    (name, *_) = [one for one in sorted(files) if "--" in one.removeprefix("pggit--")]
    lockless = {**files, name: re.sub(rb"LOCK TABLE pggit\.objects[^;]* ACCESS EXCLUSIVE MODE;", b"", files[name])}
    assert migrationcheck.faults() == []
    monkeypatch.setattr(sqlscript, "unchecked_contents", lambda: lockless)
    assert migrationcheck.faults() == [f"{name} lacks LOCK TABLE pggit.objects IN ACCESS EXCLUSIVE MODE;"]
