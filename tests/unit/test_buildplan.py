"""What a build is to make, and which facts make it another build."""

import dataclasses
from datetime import date

import pytest

from tasks.lib import buildplan, images, sqlscript
from tasks.lib.errors import UsageError
from tasks.lib.targets import load


def test_only_what_the_build_uses_makes_it_another_build(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = buildplan.plan(buildplan.Request(pg="17"))
    [job] = plan.jobs

    def digest(engine: str, **changed: object) -> str:
        system = dataclasses.replace(job.system, **changed)  # type: ignore[arg-type]
        return plan.inputs_digest(dataclasses.replace(job, system=system), engine)

    for engine in ("docker", "local"):
        same = digest(engine)
        assert digest(engine, security_until=date(2099, 1, 1), python="python4", ships_postgres=None) == same, engine
        assert digest(engine, id="debian-99") != same, engine
    before = digest("docker"), digest("local")
    assert digest("docker", image="debian:other") != before[0]
    monkeypatch.setitem(images.BUILDER_PACKAGES, "deb", ("debhelper",))
    assert digest("docker") != before[0]
    assert digest("local") == before[1]


def test_the_source_package_is_one_more_thing_to_make_and_the_same_whatever_is_asked_for() -> None:
    one, all_ = (buildplan.plan(buildplan.Request(pg=pg, source=True)) for pg in ("17", "all"))
    assert [job.pg for job in one.jobs] == ["17", None]
    assert [job.pg for job in all_.jobs] == [*load().majors(), None]
    assert one.jobs[-1] == all_.jobs[-1]
    assert one.inputs_digest(one.jobs[-1], "docker") == all_.inputs_digest(all_.jobs[-1], "docker")
    version = sqlscript.version()
    system = one.jobs[-1].system.id
    assert one.jobs[-1].files == tuple(
        f"{system}/pggit_{version}{end}" for end in ("-1.dsc", ".orig.tar.xz", "-1.debian.tar.xz")
    )


def test_an_empty_option_is_not_all() -> None:
    with pytest.raises(UsageError, match="--pg=: unknown ''; valid: 15, 16, 17, 18"):
        buildplan.plan(buildplan.Request(pg=""))
