"""The `@task` that every task module uses: invoke's own, with our errors made exit codes."""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from invoke.exceptions import Exit
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from tasks.lib.errors import PggitError

Body = Callable[..., None]


def task(**options: Any) -> Callable[[Body], Task[Body]]:
    """Like `invoke.task(**options)`; a PggitError becomes one line on stderr and its exit code."""

    def decorate(body: Body) -> Task[Body]:
        @functools.wraps(body)
        def run(*args: Any, **kwargs: Any) -> None:
            try:
                body(*args, **kwargs)
            except PggitError as error:
                raise Exit(f"inv: {error}", code=error.exit_code) from None
            except KeyboardInterrupt:
                raise Exit("inv: interrupted", code=130) from None
            except BrokenPipeError:
                stop_writing()
                raise Exit(code=141) from None
            except OSError as error:
                raise Exit(f"inv: {error_line(error)}", code=1) from None
            finally:
                if "SUDO_UID" in os.environ:
                    from tasks.lib import dist

                    dist.hand_over_all()

        made: Task[Body] = invoke_task(**options)(run)
        return made

    return decorate


def error_line(error: OSError) -> str:
    """The file and the reason, in one line."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)


def stop_writing() -> None:
    """Whoever read our output has enough, as `| head` does; Python would complain at its end once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
