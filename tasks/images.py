"""images.*: what containers are made of."""

from invoke.context import Context

from tasks.command import task

_OS = "systems: debian-13, 'debian-*', or all"
_ARCH = "architecture: amd64 or arm64 (default: this machine's)"


@task(name="list", help={"os": _OS, "arch": _ARCH, "json": "print as JSON"})
def list_(c: Context, os: str = "all", arch: str = "", json: bool = False) -> None:
    """Show which images the engine has for each system, how old they are, and where a base would come from."""
    from tasks.lib import imagelist

    rows = imagelist.rows(imagelist.systems(os), imagelist.one_arch(arch))
    print(imagelist.as_json(rows) if json else imagelist.as_table(rows))


@task(
    help={
        "os": "systems: debian-13, 'debian-*', or all (default: the newest Debian stable)",
        "arch": _ARCH,
        "pg": "also the images with a server of these PostgreSQL majors",
        "pull": "whether a missing base image is pulled: missing or never (default: PGGIT_PULL, else missing)",
        "dry_run": "show what is missing and would be made",
    }
)
def build(c: Context, os: str = "", arch: str = "", pg: str = "", pull: str = "", dry_run: bool = False) -> None:
    """Make the images that build packages, as far as they are missing; with --pg those with servers, too."""
    from tasks.lib import imagelist

    imagelist.build(os, arch, pg, pull, dry_run or bool(c.config.run.dry), lambda line: print(line, flush=True))


@task(
    help={
        "os": "systems: debian-13, 'debian-*', or all (default: the newest Debian stable)",
        "arch": _ARCH,
        "mirror": "address of the package archive (default: the one in this machine's apt configuration)",
        "security_mirror": "address of its security updates (default: beside the mirror)",
        "force": "make it anew where the engine has a base image",
        "dry_run": "show what would be made, and from where",
    }
)
def bootstrap(
    c: Context, os: str = "", arch: str = "", mirror: str = "", security_mirror: str = "", force: bool = False,
    dry_run: bool = False,
) -> None:  # fmt: skip
    """Make base images from a package mirror by mmdebstrap, where no registry can be reached."""
    from tasks.lib import imagelist

    imagelist.bootstrap(
        os,
        arch,
        mirror,
        security_mirror,
        force,
        dry_run or bool(c.config.run.dry),
        lambda line: print(line, flush=True),
    )


@task(help={"dry_run": "show what would be removed"})
def prune(c: Context, dry_run: bool = False) -> None:
    """Remove the builder and server images whose recipe or base has changed since."""
    from tasks.lib import imagelist

    imagelist.prune(dry_run or bool(c.config.run.dry), lambda line: print(line, flush=True))
