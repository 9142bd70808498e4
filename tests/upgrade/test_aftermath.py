"""What looks at how things stand after a failure finds whatever is not as it must be."""

import pytest

from tasks.lib.migrationground import Ground
from tests.upgrade import aftermath, breakpoints

START, GOAL = next(iter(breakpoints.ways()))
OFF = "SET session_replication_role = replica;"
PLANTED = {
    "half-a-catalog": ("DROP INDEX pggit.history_object", "index pggit.history_object: only in a"),
    "a-column-of-the-other-version": ("ALTER TABLE pggit.history ADD COLUMN x integer", "history.x: only in b"),
    "a-lost-row": (f"{OFF} DELETE FROM pggit.history WHERE id = 5", "history: 1 rows are gone"),
    "an-unexplained-failure": (
        "INSERT INTO pggit.upgrade_log (from_version, to_version, started_at, completed_at, status, run_by,"
        " backend_pid, backend_start) VALUES ('a', 'b', now(), now(), 'failed', 'x', 1, now())",
        "the log says (",
    ),
    "a-copy": ("CREATE SCHEMA pggit_backup_left", "pggit_backup_left is left over"),
    "an-unrecorded-command": (f"{OFF} CREATE TABLE unrecorded (id integer)", "public.unrecorded"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_what_is_not_right_is_found(breaking: Ground, fault: str) -> None:
    statement, said = PLANTED[fault]
    with breaking.copy(breaking.filled(START)) as db:
        db.execute(f"{statement}; RESET session_replication_role")
        found = aftermath.faults(breaking, db, START, GOAL)
        assert [line for line in found if said in line], found


def test_what_is_right_has_no_faults(breaking: Ground) -> None:
    with breaking.copy(breaking.filled(START)) as db:
        assert aftermath.faults(breaking, db, START, GOAL) == []
