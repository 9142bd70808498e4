"""The SQL in the READMEs runs: the blocks of each, in order, as one session."""

import re

import pytest

from tasks.lib.paths import ROOT
from tests.extension.conftest import Connection, Psql


@pytest.mark.parametrize("page", ["README.md", "extension/README.md"])
def test_a_readmes_sql_runs(bare_db: Connection, psql: Psql, page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    blocks = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    # between two blocks the reader changes something, so that there is something to commit
    psql("".join(f"{block}\nCREATE TABLE read_{number} ();\n" for number, block in enumerate(blocks)))


def test_everything_public_is_documented(db: Connection) -> None:
    """Every member of the extension says what it is, so that the reference can be made from the catalog."""
    assert (
        db.execute("""
        SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
        JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pggit'
        LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
          AND (d.classid = 'pg_proc'::regclass OR c.relkind IN ('r', 'v')
               OR d.classid = 'pg_type'::regclass AND d.objid IN (SELECT reltype FROM pg_class WHERE relkind = 'c'))
          AND obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NULL
        ORDER BY 1""").fetchall()
        == []
    )


def test_every_error_has_a_code_of_its_own_that_the_documents_list() -> None:
    used: dict[str, set[str]] = {}
    for module in (ROOT / "extension" / "sql").glob("*.sql"):
        for code in re.findall(r"'(GT\d{3})'", module.read_text("utf-8")):
            used.setdefault(code, set()).add(module.name)
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert set(re.findall(r"^\| (GT\d{3}) \|", page, re.MULTILINE)) == set(used)
