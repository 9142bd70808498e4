"""What a package is made of, whatever engine makes it: names, files, and the rendered debian/ folder."""

import gzip
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tasks.lib import changelog, checkedyaml, sqlscript
from tasks.lib.errors import PggitError
from tasks.lib.paths import EXTENSION, PACKAGING, ROOT

FACTS = PACKAGING / "package.yaml"
SCHEMA = PACKAGING / "package.schema.json"
DEBIAN = PACKAGING / "debian"
README = EXTENSION / "README.md"
LICENSE = ROOT / "LICENSE"


class RecipeFailedError(PggitError):
    """The engine works, but the recipe does not: the package's own build failed."""


@dataclass(frozen=True)
class Product:
    """packaging/package.yaml: what the package says about itself."""

    source: str
    revision: str
    maintainer: str
    section: str
    priority: str
    synopsis: str
    description: str


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a package's bytes, but for the engine."""

    product: Product
    version: str
    """The extension's own."""
    epoch: int
    """SOURCE_DATE_EPOCH: no file in the package is newer."""
    extension: Mapping[str, bytes]
    """The extension's files by name."""
    entries: tuple[changelog.Entry, ...]

    @property
    def debian_version(self) -> str:
        """The package's version: 0.1.0-1."""
        return changelog.debian_version(self.version, self.product.revision)

    @property
    def is_first_release(self) -> bool:
        """Whether the changelog tells of no version before this one."""
        return len(self.entries) == 1

    @property
    def debian_changelog(self) -> str:
        """The text of debian/changelog."""
        return changelog.debian(self.entries, self.product.source, self.product.revision, self.product.maintainer)


@cache
def product() -> Product:
    """The facts of packaging/package.yaml; raises UsageError for a file that does not fit its schema."""
    return Product(**checkedyaml.load(FACTS, SCHEMA))


def load(version: str, epoch: int) -> Recipe:
    """The recipe for `version` ("" for the version in the making), built at `epoch`.

    Raises UsageError for a version that was not released, PggitError where the sources are at fault.
    """
    from tasks.lib import released

    extension = released.contents(version) if version else sqlscript.contents()
    version = version or sqlscript.version()
    entries = changelog.since(changelog.read(sqlscript.version()), version)
    return Recipe(product(), version, epoch, extension, entries)


def package_name(pg: str) -> str:
    """The .deb's name, by Debian's rule for PostgreSQL extensions."""
    return f"postgresql-{pg}-pggit"


def depends(pg: str) -> list[str]:
    """What the package needs: the server alone, with no upper bound on its minor version."""
    return [f"postgresql-{pg}"]


def extension_dir(pg: str) -> str:
    """Where Debian's PostgreSQL looks for extensions, without the leading slash as .install files want it."""
    return f"usr/share/postgresql/{pg}/extension"


def deb_name(version: str, pg: str) -> str:
    """The .deb's file name. One file serves every architecture."""
    return f"{package_name(pg)}_{changelog.debian_version(version, product().revision)}_all.deb"


def source_names(version: str) -> tuple[str, str, str]:
    """The source package's files: the .dsc, which names the others, upstream's, and debian/."""
    name, debian = product().source, changelog.debian_version(version, product().revision)
    upstream = debian.rpartition("-")[0]
    return f"{name}_{debian}.dsc", f"{name}_{upstream}.orig.tar.xz", f"{name}_{debian}.debian.tar.xz"


def installed_files(recipe: Recipe, pg: str) -> dict[str, bytes]:
    """Every file that the .deb installs, by absolute path: the whole truth that checks compare with.

    The compressed changelog's bytes are this Python's; compare such a file uncompressed.
    """
    docs = f"/usr/share/doc/{package_name(pg)}"
    return {
        **{f"/{extension_dir(pg)}/{name}": data for name, data in recipe.extension.items()},
        f"{docs}/{README.name}": README.read_bytes(),
        f"{docs}/changelog.Debian.gz": gzip.compress(recipe.debian_changelog.encode(), 9, mtime=0),
        f"{docs}/copyright": render("debian/copyright", recipe).encode(),
    }


def debian_folder(recipe: Recipe, pgs: Sequence[str]) -> dict[str, bytes]:
    """The files of debian/ for packages of the PostgreSQL majors `pgs`, by path below the source's root.

    debian/rules and debian/tests/installcheck must be made executable.
    """
    files = {"debian/changelog": recipe.debian_changelog.encode()}
    for path in sorted(DEBIAN.rglob("*")):
        name = f"debian/{path.relative_to(DEBIAN)}"
        if path.is_dir():
            continue
        if path.stem == "package":
            for pg in pgs:
                files[f"debian/{package_name(pg)}{path.suffix}"] = render(name, recipe, pg=pg).encode()
        else:
            files[name] = render(name, recipe, pgs=pgs).encode()
    return files


def upstream_files(recipe: Recipe) -> dict[str, bytes]:
    """The source package without debian/: the scripts as they are installed (each is its own source text,
    comments and all), the README and the licence.
    """
    return {**recipe.extension, README.name: README.read_bytes(), LICENSE.name: LICENSE.read_bytes()}


def render(template: str, recipe: Recipe, **names: Any) -> str:
    """The template packaging/`template` filled in; raises PggitError where it asks for an unknown name."""
    from jinja2 import Environment, StrictUndefined, TemplateError

    _, copyright_line, terms = LICENSE.read_text("utf-8").strip().split("\n\n", 2)
    environment = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 (no HTML here, escaping would corrupt it)
    )
    try:
        return environment.from_string((PACKAGING / template).read_text("utf-8")).render(
            product=recipe.product,
            version=recipe.version,
            upstream_version=recipe.version.replace("-", "~"),
            package_name=package_name,
            depends=depends,
            extension_dir=extension_dir,
            extension_files=sorted(recipe.extension),
            synopsis=lambda pg: recipe.product.synopsis.replace("{pg}", pg),
            description=lambda pg: recipe.product.description.replace("{pg}", pg),
            copyright=copyright_line.removeprefix("Copyright (c) "),
            terms=terms,
            indented=indented,
            **names,
        )
    except TemplateError as error:
        raise PggitError(f"packaging/{template}: {error}") from error


def indented(text: str) -> str:
    """`text` as a continued field of a Debian control file: indented by one, empty lines as a dot."""
    return textwrap.indent("\n".join(line or "." for line in text.splitlines()), " ")
