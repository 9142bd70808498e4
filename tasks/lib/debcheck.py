"""What must be true of every .deb before anyone may install it, read from the finished file."""

import gzip
import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from tasks.lib import recipe as recipes
from tasks.lib.recipe import Recipe

REQUIRED_FIELDS = ("Package", "Version", "Architecture", "Maintainer", "Installed-Size", "Depends", "Section",
                   "Priority", "Description", "Source")  # fmt: skip


def problems(deb: bytes, recipe: Recipe, pg: str) -> tuple[str, ...]:
    """Everything that is wrong with the package `deb` made by `recipe` for `pg`; empty when it is right.

    Its fields, its exact list of files with their contents, modes and owners, its checksums; and that it
    has no maintainer scripts, since installing a package must touch no database.
    """
    from debian.arfile import ArError
    from debian.debfile import DebError, DebFile

    try:
        with DebFile(fileobj=io.BytesIO(deb)) as package:
            fields = dict(package.debcontrol())
            control = {PurePosixPath(name).name for name in package.control} - {""}
            sums = {f"/{name}": digest for name, digest in package.md5sums("utf-8").items()}
            data = package.data.tgz()
            members = list(data)
            files = [one for one in members if one.isfile()]  # a link is told as not belonging there
            contents = {_path(one): file.read() for one in files if (file := data.extractfile(one)) is not None}
    except (ArError, DebError, tarfile.TarError, OSError, EOFError) as error:
        return (f"is not a readable .deb: {error}",)
    return (
        *_fields(fields, recipe, pg),
        *(f"has a control member {name!r}" for name in sorted(control - {"control", "md5sums"})),
        *_members(members, recipe, pg),
        *_contents(contents, recipe, pg),
        *_checksums(contents, sums),
    )


def _path(member: tarfile.TarInfo) -> str:
    return posixpath.normpath(f"/{member.name}")


def _fields(fields: dict[str, str], recipe: Recipe, pg: str) -> Iterator[str]:
    expected = {
        "Package": recipes.package_name(pg),
        "Version": recipe.debian_version,
        "Architecture": "all",
        "Depends": ", ".join(recipes.depends(pg)),
        "Maintainer": recipe.product.maintainer,
    }
    for name in REQUIRED_FIELDS:
        if not fields.get(name):
            yield f"has no field {name}"
        elif name in expected and fields[name] != expected[name]:
            yield f"has {name}: {fields[name]}; it must be {expected[name]}"
    for name in sorted(fields.keys() - set(REQUIRED_FIELDS)):
        yield f"has an unexpected field {name}: {fields[name]}"


def _members(members: list[tarfile.TarInfo], recipe: Recipe, pg: str) -> Iterator[str]:
    expected = set(recipes.installed_files(recipe, pg))
    folders = {str(parent) for name in expected for parent in PurePosixPath(name).parents}
    for name in sorted(expected - {_path(one) for one in members if one.isfile()}):
        yield f"lacks {name}"
    for one in members:
        name = _path(one)
        if name not in (folders if one.isdir() else expected) or not (one.isdir() or one.isfile()):
            yield f"holds {name}, which does not belong there"
        mode = 0o755 if one.isdir() else 0o644
        if one.mode != mode:
            yield f"{name} has mode {one.mode:04o}; it must be {mode:04o}"
        if (one.uid, one.gid) != (0, 0):
            yield f"{name} belongs to {one.uid}:{one.gid}; it must belong to root"
        if one.mtime > recipe.epoch:
            yield f"{name} is newer than SOURCE_DATE_EPOCH, so a second build would differ"


def _contents(contents: dict[str, bytes], recipe: Recipe, pg: str) -> Iterator[str]:
    for name, wanted in recipes.installed_files(recipe, pg).items():
        have = contents.get(name)
        if have is None:
            continue  # told as lacking
        if name.endswith(".gz"):
            have, wanted = gzip.decompress(have), gzip.decompress(wanted)
        if have != wanted:
            yield f"{name} is not what the sources make"


def _checksums(contents: dict[str, bytes], sums: dict[str, str]) -> Iterator[str]:
    for name, data in sorted(contents.items()):
        if sums.get(name) != hashlib.md5(data, usedforsecurity=False).hexdigest():
            yield f"md5sums is wrong about {name}"
    for name in sorted(sums.keys() - contents.keys()):
        yield f"md5sums lists {name}, which is not there"
