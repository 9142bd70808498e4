"""The task tree: one module a namespace. What `inv --list` shows is put together here."""

from invoke.collection import Collection

from tasks import build, db

ns = Collection(build, db)
# Without this `c.run` reads the caller's stdin, which fails under pytest and in CI.
ns.configure({"run": {"in_stream": False}})
