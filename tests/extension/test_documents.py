"""The SQL in the README does what it says: its blocks run, in order, as one session."""

import re

from tasks.lib.paths import ROOT
from tests.extension.conftest import Connection, Psql


def test_the_readmes_sql_runs(bare_db: Connection, psql: Psql) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    psql("\n".join(blocks))
