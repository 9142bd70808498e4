"""What `inv --list` may cost: the heavy libraries stay out until a task needs them."""

import subprocess
import sys

from tasks.lib.paths import ROOT

_HEAVY = {"docker", "psycopg", "jinja2", "rich", "jsonschema"}


def test_task_modules_import_no_heavy_library() -> None:
    script = "import sys; import tasks; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = set(loaded.split())
    assert "tasks" in names
    assert not names & _HEAVY


def test_every_task_explains_itself_and_its_options() -> None:
    from tasks import ns

    for name in ns.task_names:
        task = ns[name]
        assert task.__doc__, name
        for argument in task.get_arguments():
            assert argument.help, f"{name} {argument.name}"
