"""The `@task` that every task module uses: invoke's own, with our errors made exit codes."""

import functools
from collections.abc import Callable
from typing import Any

import invoke

from tasks.lib.errors import PggitError

Body = Callable[..., None]


def task(**options: Any) -> Callable[[Body], "invoke.Task[Body]"]:
    """Like `invoke.task(**options)`; a PggitError becomes one line on stderr and its exit code."""

    def decorate(body: Body) -> "invoke.Task[Body]":
        @functools.wraps(body)
        def run(*args: Any, **kwargs: Any) -> None:
            try:
                body(*args, **kwargs)
            except PggitError as error:
                raise invoke.Exit(f"inv: {error}", code=error.exit_code) from None
            except KeyboardInterrupt:
                raise invoke.Exit("inv: interrupted", code=130) from None

        return invoke.task(**options)(run)

    return decorate
