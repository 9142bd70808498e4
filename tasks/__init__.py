"""The task tree: one module a namespace. What `inv --list` shows is put together here."""

from invoke.collection import Collection

from tasks import build

ns = Collection(build)
# Without this `c.run` reads the caller's stdin, which fails under pytest and in CI.
ns.configure({"run": {"in_stream": False}})
