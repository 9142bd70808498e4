"""The task tree: one module a namespace. What `inv --list` shows is put together here."""

from invoke.collection import Collection

from tasks import build, clean, db, docs, install, lint, test

ns = Collection(build, clean.clean, db, docs, install.install, lint, test)
# Without this `c.run` reads the caller's stdin, which fails under pytest and in CI.
ns.configure({"run": {"in_stream": False}})
