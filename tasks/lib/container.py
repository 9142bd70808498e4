"""Containers and images, through the Docker SDK, which nothing else here imports.

Files go in and out as tar, never by bind mount, so an engine on another machine (DOCKER_HOST, contexts)
works too. A container lives no longer than its maker: its main process reads a pipe that this process
holds, so it ends, and the engine removes it, even when this process is killed.
"""

import contextlib
import io
import os
import re
import shlex
import socket
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tasks.lib.errors import PggitError

if TYPE_CHECKING:
    import docker

LABEL = "pggit.factory"
"""On every container and image made here: `docker ps --filter label=pggit.factory` shows them."""

_TALK = ("Step ", " --->", "Removing intermediate container")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class CommandFailed(PggitError):
    """A command in a container ended with another exit code than 0; its output is kept."""

    def __init__(self, image: str, argv: Sequence[str], exit_code: int, output: str, log: Path | None) -> None:
        """Keep what happened; the message ends with the command's own last line."""
        self.exit_code_of_command, self.output, self.log = exit_code, output, log
        last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")
        command = shlex.join(argv)
        shown = command if len(command) <= 120 else command[:117] + "..."
        where = f" (log: {log})" if log else ""
        super().__init__(f"`{shown}` failed in {image} with exit code {exit_code}: {last}{where}")


@dataclass(frozen=True)
class Completed:
    """What a command in a container ended with; `output` holds stdout and stderr as they came."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Image:
    """An image that the engine has."""

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    arch: str
    created: str
    """ISO 8601, as the engine says it."""


def available() -> str | None:
    """None when a Docker engine answers, else one line that says why none does."""
    try:
        with _client(timeout=5) as client:
            client.ping()
    except PggitError as error:
        return str(error)
    return None


@contextlib.contextmanager
def _client(timeout: int = 600, doing: str = "") -> Iterator["docker.DockerClient"]:
    """A client for DOCKER_HOST, the current context or the local socket; its errors become PggitErrors."""
    import docker

    with _errors(doing):
        client = docker.from_env(timeout=timeout)
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def _errors(doing: str) -> Iterator[None]:
    """Turn whatever the SDK raises into a PggitError of one line."""
    import docker.errors
    import requests
    import urllib3

    during = f" while {doing}" if doing else ""
    try:
        yield
    except docker.errors.APIError as error:
        raise PggitError(f"Docker refused{during}: {_line(error.explanation or error)}") from error
    except (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise PggitError(f"no Docker engine answers{during}: {_address()}: {_cause(error)}") from error


def _address() -> str:
    """Where the engine is looked for."""
    from docker.constants import DEFAULT_UNIX_SOCKET
    from docker.context import ContextAPI

    try:
        named = os.environ.get("DOCKER_HOST") or ContextAPI.kwargs_from_context().get("base_url")
    except Exception:  # a damaged ~/.docker, which is then the cause itself
        named = None
    return str(named or DEFAULT_UNIX_SOCKET).replace("http+unix:", "unix:")


def _cause(error: BaseException) -> str:
    """What the system said, where it said something: the layers above it only wrap its words."""
    import requests

    said, inner = _line(error), error.__cause__ or error.__context__
    while inner:
        if isinstance(inner, OSError) and not isinstance(inner, requests.RequestException):
            said = inner.strerror or _line(inner)
        inner = inner.__cause__ or inner.__context__
    return said


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]


class Container:
    """A running container of `image` for any number of commands; removed when the `with` block ends."""

    def __init__(self, image: str, name_hint: str = "") -> None:
        """Nothing is started before the `with` block."""
        self.image = image
        self.name_hint = name_hint
        self.id = ""
        """The engine's name for it, once it runs."""
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start the container. Raises PggitError where no engine answers or it has no such image."""
        with contextlib.ExitStack() as stack:
            self._docker = stack.enter_context(_client(doing=f"starting a container of {self.image}"))
            sweep(self._docker)
            self.id = self._docker.api.create_container(
                self.image,
                ["cat"],  # ends when the pipe to this process closes
                stdin_open=True,
                environment=proxies(),
                labels={**_maker(), "pggit.for": self.name_hint},
                host_config=self._docker.api.create_host_config(auto_remove=True, init=True),
            )["Id"]
            stack.callback(self._remove)
            self._pipe = self._docker.api.attach_socket(self.id, params={"stdin": 1, "stream": 1})
            stack.callback(self._pipe.close)
            self._docker.api.start(self.id)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the container, whatever happened."""
        self._stack.close()

    def _remove(self) -> None:
        # Gone already (an engine that went down, `docker rm` by hand) is as good as removed.
        with contextlib.suppress(PggitError), _errors("removing a container"):
            self._docker.api.remove_container(self.id, force=True, v=True)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        log: Path | None = None,
        check: bool = True,
    ) -> Completed:
        """Run one command and wait for it; its output goes to the end of `log` as it comes.

        Raises CommandFailed for an exit code other than 0 unless `check` is false, and PggitError when
        the engine goes away meanwhile.
        """
        doing = f"running {argv[0]} in {self.image}"
        output = bytearray()
        with contextlib.ExitStack() as stack:
            stack.enter_context(_errors(doing))
            append = stack.enter_context(_appending(log))
            exec_id = self._docker.api.exec_create(
                self.id, list(argv), environment=dict(env or {}), user=user or "", workdir=workdir
            )["Id"]
            for chunk in self._docker.api.exec_start(exec_id, stream=True):
                output += chunk
                append(chunk)
            exit_code = self._docker.api.exec_inspect(exec_id)["ExitCode"]
        if exit_code is None:  # the stream ended before the command did
            raise PggitError(f"no Docker engine answers while {doing}: the container is gone")
        completed = Completed(exit_code, output.decode(errors="replace"))
        if check and exit_code != 0:
            raise CommandFailed(self.image, argv, exit_code, completed.output, log)
        return completed

    def put(self, files: Mapping[str, bytes] | Path, destination: str, mode: int = 0o644) -> None:
        """Copy files into the folder `destination`, made where it is missing; they belong to root.

        `files` is either content by relative path, each written with `mode`; or a folder, whose content is
        copied (modes too), or a single file.
        """
        archive = pack(files, mode)
        self.run(["mkdir", "-p", destination])
        with _errors(f"copying files into {self.image}"):
            self._docker.api.put_archive(self.id, destination, archive)

    def get(self, path: str) -> dict[str, bytes]:
        """The files at `path`: a folder's by their path relative to it, a single file's by its name.

        Raises PggitError where there is nothing at `path`.
        """
        with _errors(f"copying {path} out of {self.image}"):
            stream, _ = self._docker.api.get_archive(self.id, path)
            data = io.BytesIO(b"".join(stream))
        files = {}
        with tarfile.open(fileobj=data) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    _, _, inside = member.name.partition("/")  # the first part is the folder itself
                    files[inside or member.name] = content.read()
        return files


@contextlib.contextmanager
def _appending(log: Path | None) -> Iterator[Callable[[bytes], None]]:
    """A function that writes to the end of `log` at once; a full disk is not to be taken for a lost engine."""
    if log is None:
        yield lambda chunk: None
        return
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        out = log.open("ab", buffering=0)
    except OSError as error:
        raise PggitError(f"cannot write the log {log}: {error.strerror}") from error

    def append(chunk: bytes) -> None:
        try:
            out.write(chunk)
        except OSError as error:
            raise PggitError(f"cannot write the log {log}: {error.strerror}") from error

    with out:
        yield append


def pack(files: Mapping[str, bytes] | Path, mode: int = 0o644) -> bytes:
    """A tar of `files` (see `Container.put`), owned by root, parents before children."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        if isinstance(files, Path):
            for path in sorted(files.rglob("*")) if files.is_dir() else [files]:
                tar.add(path, str(path.relative_to(files if files.is_dir() else files.parent)), False, filter=_root)
        else:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.mtime = len(content), mode, int(time.time())
                tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def proxies() -> dict[str, str]:
    """The proxy settings of this process, for whatever downloads inside a container."""
    return {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}


def _maker() -> dict[str, str]:
    return {LABEL: "1", "pggit.host": socket.gethostname(), "pggit.pid": str(os.getpid())}


def sweep(client: "docker.DockerClient") -> None:
    """Remove containers whose maker, a process of this machine, is gone: killed before it could start them."""
    filters = {"label": [LABEL, f"pggit.host={socket.gethostname()}"]}
    for found in client.api.containers(all=True, filters=filters):
        if not _runs(int(found["Labels"].get("pggit.pid", "0"))):
            with contextlib.suppress(PggitError), _errors("removing a leftover container"):
                client.api.remove_container(found["Id"], force=True, v=True)


def _runs(pid: int) -> bool:
    """Whether that process of this machine is there; another user's counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


# Images


def find_image(reference: str) -> Image | None:
    """The image of that name or id, or None where the engine has none. Never pulls."""
    import docker.errors

    with _client(doing=f"looking for {reference}") as client:
        try:
            return _inspect(client, reference)
        except docker.errors.ImageNotFound:
            return None


def find_images(label: str) -> tuple[Image, ...]:
    """Every image that carries `label`."""
    with _client(doing="listing images") as client:
        return tuple(_inspect(client, i["Id"]) for i in client.api.images(filters={"label": label}))


def _inspect(client: "docker.DockerClient", reference: str) -> Image:
    found: Mapping[str, Any] = client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
    labels = (found.get("Config") or {}).get("Labels") or {}
    return Image(found["Id"], tuple(found.get("RepoTags") or ()), labels, found["Architecture"], found["Created"])


def pull_image(reference: str, arch: str) -> None:
    """Pull from the registry. Raises PggitError where it cannot be reached or has no such image."""
    with _client(doing=f"pulling {reference}") as client:
        client.images.pull(reference, platform=f"linux/{arch}")


def import_image(archive: Path, reference: str, labels: Mapping[str, str]) -> None:
    """Make an image of a root file system in a tar."""
    repository, _, tag = reference.rpartition(":")
    changes = ['CMD ["/bin/bash"]', *(f'LABEL "{key}"="{value}"' for key, value in labels.items())]
    with _client(doing=f"importing {reference}") as client:
        client.api.import_image(str(archive), repository=repository, tag=tag, changes=changes)


def build_image(
    dockerfile: bytes, reference: str, arguments: Mapping[str, str], labels: Mapping[str, str], log: Path
) -> None:
    """Build an image from a Dockerfile without a context; the engine's output goes to `log`.

    Raises PggitError whose message holds the failing step's last line and the log's path.
    """
    context = pack({"Dockerfile": dockerfile})
    said: list[str] = []
    with _client(doing=f"building {reference}") as client, _appending(log) as append:
        for message in client.api.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=reference, rm=True, forcerm=True, decode=True,
            buildargs={**proxies(), **arguments}, labels={**labels, LABEL: "1"},
        ):  # fmt: skip
            text = _COLOUR.sub("", str(message.get("stream") or message.get("error") or ""))
            append(text.encode())
            if message.get("error"):
                reason = "; ".join(said[-2:]) or _line(text)
                raise PggitError(f"building {reference} failed: {reason} (log: {log})")
            # What the steps themselves say, without the engine's own talk.
            said += [_line(line) for line in text.splitlines() if line.strip() and not line.startswith(_TALK)]


def remove_image(image: Image) -> None:
    """Remove an image and its names."""
    with _client(doing=f"removing {image.id}") as client:
        client.api.remove_image(image.id, force=True)
