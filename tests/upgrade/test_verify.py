"""Every way between versions, with what migration.verify checks of it."""

import pytest

from tasks.lib import migrationground, migrationmajors, migrationsuite, migrationverify, migrationways, sqlscript
from tasks.lib.migrationground import Ground
from tasks.lib.migrationways import ALTER, Way

WAYS = migrationways.choose(migrationground.graph_of(sqlscript.contents()))
DRAFT = "draft the update script anew with ./inv migration.new --output=build/draft"
RELEASED = [way.start for way in WAYS if way.stops == (way.start, sqlscript.version()) and way.how == ALTER]


@pytest.mark.parametrize(("way", "check"), migrationverify.selected(WAYS), ids=str)
def test_every_way(ground: Ground, way: Way, check: str) -> None:
    faults = migrationverify.attempt(migrationverify.part(ground.server.pg, way, check), ground).faults
    assert faults == (), f"where extension/sql changed: {DRAFT}"


@pytest.mark.parametrize("version", RELEASED)
def test_the_extensions_own_tests_pass_after_an_update(pg: str, version: str) -> None:
    assert migrationsuite.failures(pg, version) == []


def test_from_major_to_major(request: pytest.FixtureRequest) -> None:
    majors = request.config.option.pg
    if len(majors) < 2:
        pytest.skip("needs two majors or more")
    found = migrationmajors.across(majors[0], majors[-1], migrationverify.carried(WAYS), sqlscript.contents())
    assert len(found) == 2 * len(migrationverify.carried(WAYS))
    assert {way: faults for way, faults in found.items() if faults} == {}
