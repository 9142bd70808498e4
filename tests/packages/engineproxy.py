"""A way to the real Docker engine that can be cut, which is what an engine that goes down looks like."""

import os
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

WAIT = 120.0
"""Seconds after which something that was to happen is taken to never happen."""


class EngineProxy:
    """Forwards a unix socket to the engine's; knows when `marker` has come back from the engine."""

    def __init__(self, marker: bytes) -> None:
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not host.startswith("unix://"):
            pytest.skip("needs an engine on a unix socket")
        self._engine = host.removeprefix("unix://")
        self._marker = marker
        self._seen = threading.Event()
        self._sockets: list[socket.socket] = []
        self._folder = tempfile.TemporaryDirectory(prefix="pggit-")
        self.address = f"unix://{self._folder.name}/engine"

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder.name, "engine")))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._folder.cleanup()

    def wait_for_marker(self) -> None:
        assert self._seen.wait(WAIT), f"{self._marker!r} never came"

    def cut(self) -> None:
        """From now on nobody answers, and every connection there is ends."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                self._sockets += [client, engine]
                for source, target in ((client, engine), (engine, client)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        tail = b""
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                if self._marker in tail + data:
                    self._seen.set()
                tail = data[-len(self._marker) :]
            target.shutdown(socket.SHUT_WR)
