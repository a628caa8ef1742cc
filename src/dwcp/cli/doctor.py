"""``dwcp doctor``: whether everything is in place, and what is lost where it is not."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag, RegistryOption
from dwcp.cli.output import print_json, say
from dwcp.cli.session import session_of

if TYPE_CHECKING:
    from dwcp.cli.checks import Finding

__all__ = ["doctor"]

_MARKS = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


def doctor(context: typer.Context, registry: RegistryOption = None, json: JsonFlag = False) -> None:
    """Check Python, libraries, processor, home, registry, champions and telemetry; status 1 when broken.

    For example: dwcp doctor --json
    """
    from dwcp.cli.checks import examine

    session = session_of(context)
    findings = examine(session.home, registry or session.home / "registry", time.time())
    broken = [finding for finding in findings if finding.state == "broken"]
    if json:
        print_json({"healthy": not broken, "findings": [_as_json(finding) for finding in findings]})
    else:
        for finding in findings:
            say(f"{_MARKS[finding.state]}  {finding.what}: {finding.detail}")
        say(_verdict(broken, session.home))
    if broken:
        raise typer.Exit(Status.FAILED)


def _as_json(finding: "Finding") -> dict[str, str]:
    return {"what": finding.what, "state": finding.state, "detail": finding.detail}


def _verdict(broken: "list[Finding]", home: Path) -> str:
    if not broken:
        return f"everything that is needed is in place (home {home})"
    return f"{len(broken)} broken: {', '.join(finding.what for finding in broken)}"
