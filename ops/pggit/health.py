"""`pggit health`: what pggit.health_check() finds, with exit codes as Nagios plugins have them."""

from __future__ import annotations

import argparse
import json

from pggit import server

# from good to bad
EXIT_CODES = {"healthy": 0, "warning": 1, "unhealthy": 2, "critical": 2}
_QUERY = "SELECT coalesce(json_agg(h), '[]') FROM pggit.health_check({verify}) h"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this subcommand."""
    parser.add_argument(
        "--verify", action="store_true", help="also read the whole catalog and every seal, which takes its time"
    )
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(options: argparse.Namespace) -> int:
    """Print a line a check, those that are worst first, and return the worst one's exit code."""
    found = server.ask(server.connection(options), _QUERY.format(verify="true" if options.verify else "false"))
    found_worst_first = sorted(found, key=lambda check: -list(EXIT_CODES).index(check["status"]))
    worst = found_worst_first[0]["status"] if found else "healthy"
    code = EXIT_CODES[worst]
    if options.json:
        print(json.dumps({"status": worst, "exit_code": code, "checks": found}, indent=2))
        return code
    width = max((len(check["check_name"]) for check in found), default=0)
    for check in found_worst_first:
        print(f"{check['status']:9}  {check['check_name']:{width}}  {check['message']}")
    return code
