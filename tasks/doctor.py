"""doctor: what this machine has and lacks."""

from invoke.context import Context

from tasks.command import task


@task(
    help={
        "fix": "install the missing system packages, as root or by a sudo that asks for no password",
        "json": "print JSON",
        "dry_run": "with --fix: print the commands only",
    }
)
def doctor(c: Context, fix: bool = False, json: bool = False, dry_run: bool = False) -> None:
    """Show what is here and what is missing, what that would enable, and the command that gets it."""
    import json as encoder

    from tasks.lib import doctor as checkup
    from tasks.lib.errors import PggitError

    findings = checkup.examine()
    if fix:
        if dry_run or c.config.run.dry:
            for command in checkup.fixes(findings):
                print(f"would run: {' '.join(command)}")
        else:
            checkup.fix(findings)
            findings = checkup.examine()
    missing = [finding.title for finding in findings if finding.status == "missing"]
    if json:
        checks = [
            {
                "id": finding.id,
                "title": finding.title,
                "status": finding.status,
                "detail": finding.detail,
                "enables": finding.enables,
                "command": "" if finding.ok else checkup.remedy(finding),
            }
            for finding in findings
        ]
        print(encoder.dumps({"ready": not missing, "checks": checks}, indent=2))
    else:
        for finding in findings:
            print(f"{finding.status:8}  {finding.title:20} {finding.detail}")
            if not finding.ok:
                print(f"{'':10}  for: {finding.enables}")
                print(f"{'':10}  get: {checkup.remedy(finding) or 'no way known on this system'}")
        if not missing:
            print("ready for build.deb and test")
    if missing:
        raise PggitError(f"missing for build.deb or test: {', '.join(missing)}")
