"""bench: measurements against bounds."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "area": "areas to measure, comma-separated, or all (default)",
        "full": "take as long as good figures need",
        "json": "print JSON",
        "dry_run": "list the areas",
    }
)
def bench(c: Context, area: str = "all", full: bool = False, json: bool = False, dry_run: bool = False) -> None:
    """Measure; every figure is a ratio to a baseline of the same run. Exit 1 when a bound is missed twice."""
    import json as encoder
    import sys

    from tasks.lib import bench as benchmarks
    from tasks.lib import evidence
    from tasks.lib.errors import PggitError
    from tasks.lib.measurement import Result

    def line(result: Result) -> str:
        bound = "no bound" if result.bound is None else f"bound {result.bound:g}"
        return (
            f"{'ok    ' if result.ok else 'MISSED'} {result.area:10} {result.name}: {result.ratio:.2f} x"
            f" `{result.baseline}` ({bound}, n={result.n}, spread {result.spread:.0%})"
        )

    results = []
    kept = True
    for name in benchmarks.select(area):
        if dry_run or c.config.run.dry:
            print(f"{name:10} {benchmarks.AREAS[name].__doc__}")
            continue
        found = []
        began = evidence.sources()
        for result in benchmarks.measure(
            name, full, lambda missed: print(line(missed), "- once more", file=sys.stderr)
        ):
            found.append(result)
            if not json:
                print(line(result))
        kept = benchmarks.keep(name, full, found, began) is not None and kept
        results += found
    if json:
        print(encoder.dumps(benchmarks.report(results), indent=2))
    missed = [result.name for result in results if not result.ok]
    if missed:
        raise PggitError(f"bound missed: {', '.join(missed)}")
    if not kept:
        raise PggitError("the figures were not kept as evidence")
