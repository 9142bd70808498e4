"""An extension script taken apart, and what is found in it again."""

from tasks.lib import sqlscript, sqlstatements

SCRIPT = r"""\echo Use "CREATE EXTENSION pggit" to load this file. \quit
-- a comment; with a semicolon and one quote'
SET search_path TO a, b;
/* another; */ CREATE TABLE pggit.t (
    a text DEFAULT 'it''s; so', -- in between; here
    "odd;name" text DEFAULT E'\'; '
);
ALTER TABLE pggit.t SET (fillfactor = 70);
ALTER TABLE pggit.tt SET (fillfactor = 70);
CREATE FUNCTION pggit.f(a integer) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    RETURN $$;$$;
END
$body$;
CREATE FUNCTION pggit.f(a text) RETURNS text LANGUAGE sql AS 'SELECT ''BEGIN ATOMIC''';
CREATE FUNCTION pggit.g() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
CREATE UNIQUE INDEX t_a ON pggit.t (a);
CREATE TRIGGER no_change BEFORE UPDATE ON pggit.tt EXECUTE FUNCTION pggit.f();
CREATE TRIGGER no_change BEFORE UPDATE ON pggit.t EXECUTE FUNCTION pggit.f();
CREATE VIEW pggit.v AS SELECT 1;
COMMENT ON FUNCTION pggit.f(integer) IS
'Of an integer; so.';
COMMENT ON FUNCTION pggit.f(text) IS 'Of a text.'"""
WORDS = sqlstatements.words(SCRIPT)


def test_statements_end_where_they_end() -> None:
    first = [statement.split("\n")[0] for statement in WORDS.statements]
    assert first[:5] == [
        "SET search_path TO a, b",
        "CREATE TABLE pggit.t (",
        "ALTER TABLE pggit.t SET (fillfactor = 70)",
        "ALTER TABLE pggit.tt SET (fillfactor = 70)",
        "CREATE FUNCTION pggit.f(a integer) RETURNS text LANGUAGE plpgsql AS $body$",
    ]
    assert len(first) == 13
    assert WORDS.statements[6].endswith("BEGIN ATOMIC SELECT 1; SELECT 2; END")


def test_the_words_of_everything() -> None:
    assert WORDS.function("pggit.f", "\nBEGIN\n    RETURN $$;$$;\nEND\n") == WORDS.statements[4]
    assert WORDS.function("pggit.f", "SELECT 'BEGIN ATOMIC'") == WORDS.statements[5]
    assert WORDS.relation("TABLE", "pggit.t") == WORDS.statements[1]
    assert WORDS.relation("VIEW", "pggit.v") == "CREATE VIEW pggit.v AS SELECT 1"
    assert WORDS.alterations("pggit.t") == ("ALTER TABLE pggit.t SET (fillfactor = 70)",)
    assert WORDS.index("pggit.t_a") == "CREATE UNIQUE INDEX t_a ON pggit.t (a)"
    assert WORDS.trigger("no_change", "pggit.t") == WORDS.statements[9]
    assert WORDS.comment("COMMENT ON FUNCTION pggit.f(pg_catalog.text) IS 'Of a text.'") == WORDS.statements[12]
    assert WORDS.comment("COMMENT ON FUNCTION pggit.f(integer) IS 'Of an integer; so.'") == WORDS.statements[11]


def test_what_is_not_there_or_not_alone_is_not_found() -> None:
    assert WORDS.function("pggit.f", "RETURN 3") is None
    assert WORDS.function("pggit.f", "") is None
    assert WORDS.relation("TABLE", "pggit.tables") is None
    assert WORDS.comment("COMMENT ON FUNCTION pggit.f(pg_catalog.text) IS 'Another.'") is None
    assert WORDS.comment("COMMENT ON FUNCTION pggit.f(integer) IS NULL") is None
    twice = sqlstatements.words(SCRIPT + ";\n" + SCRIPT)
    assert twice.function("pggit.f", "SELECT 'x'") is None
    assert twice.index("t_a") is None


def test_plain_keeps_what_is_quoted() -> None:
    assert sqlstatements.plain("SELECT  'a  -- b',\n  1 -- c\n /* d */ , $$ e  -- f $$ ") == (
        "SELECT 'a  -- b', 1 , $$ e  -- f $$"
    )


def test_the_body_of_a_function() -> None:
    assert sqlstatements.body("CREATE FUNCTION f(a text DEFAULT '$$') AS $x$ BODY $$ $x$") == " BODY $$ "
    assert sqlstatements.body("CREATE FUNCTION f() AS 'SELECT 1'") == ""


def test_every_statement_of_the_install_script_is_one() -> None:
    """Nothing is cut in the middle: each begins with a word of SQL, and none swallows the next."""
    words = sqlstatements.words(sqlscript.install_script())
    known = {"SET", "DO", "CREATE", "COMMENT", "ALTER", "INSERT", "SELECT", "GRANT", "REVOKE", "UPDATE"}
    assert {statement.split()[0] for statement in words.statements} <= known
    functions = [one for one in words.statements if one.startswith(("CREATE FUNCTION", "CREATE PROCEDURE"))]
    assert all("\nCREATE FUNCTION" not in one for one in functions)
    assert len(functions) > 100
