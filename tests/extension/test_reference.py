"""docs/reference.md is what the extension says of itself, and names all that is public."""

import re

from tasks.lib import reference
from tests.extension.conftest import Connection


def test_the_page_is_current(db: Connection) -> None:
    assert reference.PAGE.read_text("utf-8") == reference.render(db), "run ./inv docs.reference"


def test_the_page_is_complete(db: Connection) -> None:
    text = reference.render(db)
    public = db.execute("""
        SELECT function_name FROM pggit.access_list() WHERE is_public
        UNION ALL
        SELECT relname FROM pg_class WHERE relnamespace = 'pggit'::regnamespace AND relkind IN ('r', 'v')""").fetchall()
    assert len(public) > 60
    for (name,) in public:
        assert f"\n### pggit.{name}\n" in text
        described = text.split(f"\n### pggit.{name}\n")[1].split("\n#")[0]
        assert len(described.split()) > 5, name
        assert re.findall(r"^\| \w+ \| [^|]+ \| +\|$", described, re.MULTILINE) == [], f"columns of {name} say nothing"
