"""The task tree: one module a namespace. What `inv --list` shows is put together here."""

from invoke.collection import Collection

from tasks import (
    bench,
    build,
    clean,
    db,
    docs,
    doctor,
    images,
    install,
    lint,
    migration,
    monitoring,
    packages,
    release,
    test,
)

ns = Collection(
    bench.bench,
    build,
    clean.clean,
    db,
    docs,
    doctor.doctor,
    images,
    install.install,
    lint,
    migration,
    monitoring,
    packages,
    release,
    test,
)
# Without this `c.run` reads the caller's stdin, which fails under pytest and in CI.
ns.configure({"run": {"in_stream": False}})
