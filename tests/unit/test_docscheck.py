from pathlib import Path

import pytest

from tasks.lib import docscheck

_KNOWN = {"build.deb": frozenset({"--pg", "-p", "--dry-run"}), "test": frozenset({"--pg"})}
_SUBCOMMANDS = {"health": frozenset({"--dbname", "-d"}), "metrics": frozenset({"--textfile", "--label"})}
_TEXT = """# Title

```sh
$ ./inv build.deb --pg=17   # a comment
./inv test && ls
ops/bin/pggit metrics --label=a=b \\
    --textfile=/x/y.prom    # a comment
pggit --help
```

Also `./inv build.deb --dry-run`, `pggit health
-d app | less -S`, `pggit` and [a link](there.md#part), ![a picture](seen.png), [outside](https://example.org).

`packaging/` has `targets.yaml`, `unit/` is in `tests/unit/test_one.py`, `dist/SYSTEM/` is made, as is `build/x.py`.
For PostgreSQL 15 to 17: PostgreSQL 15, 16 and 17; PostgreSQL 15, 16, 17. PostgreSQL 17 alone, `pggit--FROM--TO`.

```sql
SELECT pggit.init();
```
"""


def faults(text: str, folder: Path) -> list[str]:
    files = ("packaging/targets.yaml", "tests/unit/test_one.py")
    return docscheck.check(
        text, folder, docscheck.Facts(_KNOWN, _SUBCOMMANDS, frozenset({"init"}), ("15", "16", "17"), files)
    )


def test_a_true_document_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    (tmp_path / "seen.png").touch()
    assert faults(_TEXT, tmp_path) == []
    assert len(docscheck.command_lines(_TEXT)) == 3
    assert len(docscheck.pggit_lines(_TEXT)) == 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("build.deb --pg=17", "build.dep --pg=17", "there is no task build.dep"),
        ("build.deb --pg=17", "build.deb --gp=17", "build.deb has no option --gp"),
        ("build.deb --dry-run", "build.deb --dryrun", "build.deb has no option --dryrun"),
        ("./inv test", "./inv --lits", "inv has no option --lits"),
        ("pggit metrics", "pggit metric", "pggit has no subcommand metric"),
        ("--textfile", "--textfiles", "pggit metrics has no option --textfiles"),
        ("app | less", "app --verbose | less", "pggit health has no option --verbose"),
        ("pggit --help", "pggit # help", "names no subcommand"),
        ("there.md", "nowhere.md", "link to nowhere.md#part: no such file"),
        ("seen.png", "unseen.png", "link to unseen.png: no such file"),
        ("`packaging/`", "`packagin/`", "`packagin/`: there is no such file or folder"),
        ("`targets.yaml`", "`target.yaml`", "`target.yaml`: there is no such file or folder"),
        ("`unit/`", "`packaging/unit/`", "`packaging/unit/`: there is no such file or folder"),
        ("test_one.py", "test_on.py", "`tests/unit/test_on.py`: there is no such file or folder"),
        ("15 to 17", "15 to 18", "PostgreSQL 15 to 18: supported are 15, 16, 17"),
        ("15, 16 and 17", "15 and 17", "PostgreSQL 15 and 17: supported are 15, 16, 17"),
        ("15, 16, 17.", "14, 15, 16, 17.", "PostgreSQL 14, 15, 16, 17: supported are 15, 16, 17"),
        ("pggit.init()", "pggit.start()", "pggit.start(): no such function in extension/sql"),
    ],
)
def test_each_untruth_is_found(old: str, new: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    (tmp_path / "seen.png").touch()
    (found,) = faults(_TEXT.replace(old, new), tmp_path)
    assert fault in found


def test_commands_are_those_of_the_task_tree() -> None:
    known = docscheck.commands()
    assert "--pg-config" in known["install"]
    assert known["test"] == known["test.all"]


def test_subcommands_are_those_of_the_command() -> None:
    known = docscheck.subcommands()
    assert set(known) == {"health", "metrics", "upgrade"}
    assert "--textfile" in known["metrics"] - known["health"]
    assert {"--dbname", "-d", "--help"} <= known["metrics"] & known["health"]


def test_this_checkouts_documents_are_true() -> None:
    assert docscheck.faults() == []
