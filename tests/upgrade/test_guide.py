"""ops/UPGRADE_GUIDE.md is true: its commands and statements run, in its order, and its tables name what there is."""

import os
import re
import subprocess

from tasks.lib import released, servers
from tasks.lib.paths import ROOT
from tasks.lib.servers import Server
from tests.extension.conftest import Connect, Psql
from tests.extension.test_commits import one
from tests.extension.test_tracked_kinds import differences

GUIDE = ROOT / "ops" / "UPGRADE_GUIDE.md"
_BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DATABASES = ("app", "billing")


def test_the_guide_does_what_it_says(server: Server, connect: Connect, psql: Psql) -> None:
    older = released.versions()[0]
    blocks = _BLOCKS.findall(GUIDE.read_text("utf-8"))
    assert {language for language, _ in blocks} == {"sh", "sql"}
    environment = {
        **servers.clean_environment(),
        "PATH": f"{ROOT / 'ops' / 'bin'}{os.pathsep}{server.bin}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(server.socket_dir),
        "PGPORT": str(server.port),
        "PGUSER": servers.SUPERUSER,
    }
    try:
        for name in _DATABASES:
            server.createdb(name)
            db = connect(dbname=name)
            db.execute(f"CREATE EXTENSION pggit VERSION '{older}'; SELECT pggit.init(); CREATE TABLE t (id integer)")
        app = connect(dbname="app")
        history = one(app, "SELECT count(*) FROM pggit.history")
        for language, text in blocks:
            if language == "sql":
                psql(text, dbname="app")
                continue
            command = ["bash", "-eu", "-c", text.replace("OLDER", older)]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
        for name in _DATABASES:
            assert one(connect(dbname=name), "SELECT pggit.version()") != older
        assert one(app, "SELECT count(*) FROM pggit.history") == history
        assert differences(app) == []
    finally:
        for name in _DATABASES:
            server.dropdb(name)


def test_the_guides_codes_are_those_that_an_upgrade_raises() -> None:
    sources = (ROOT / "extension" / "sql" / "86_upgrade.sql").read_text("utf-8")
    listed = set(re.findall(r"^\| (GT\d{3}) \|", GUIDE.read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"'(GT\d{3})'", sources)) <= listed
