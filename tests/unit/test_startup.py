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
    """In a process of its own: invoke gives an option's help away the first time that it is asked."""
    script = (
        "from tasks import ns\n"
        "for name in ns.task_names:\n"
        "    task = ns[name]\n"
        "    silent = [argument.name for argument in task.get_arguments() if not argument.help]\n"
        "    print(name, 'explained' if task.__doc__ and not silent else silent)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert len(said.splitlines()) > 20
    assert {line.partition(" ")[2] for line in said.splitlines()} == {"explained"}, said
