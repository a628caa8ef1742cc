"""``dwcp ops``: what runs a server besides itself, written as files."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dwcp.cli.options import JsonFlag
from dwcp.cli.output import print_json, require_writable, say

__all__ = ["ops"]

_OutOption = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="Folder to write to; made when missing.", show_default=False),
]

ops = typer.Typer(
    name="ops",
    no_args_is_help=True,
    help="Write alert rules, dashboards and service files for those who run a server.",
)


@ops.command()
def alerts(out: _OutOption, json: JsonFlag = False) -> None:
    """Write the alert rules for Prometheus.

    Name the file in rule_files of prometheus.yml; promtool check rules FILE checks it.

    For example: dwcp ops alerts --out monitoring
    """
    from dwcp.operations.alerts import rules_file

    _write(out, {"dwcp-alerts.yml": rules_file()}, json=json)


@ops.command()
def dashboards(out: _OutOption, json: JsonFlag = False) -> None:
    """Write the dashboards for Grafana, which imports them or is provisioned with the folder.

    For example: dwcp ops dashboards --out monitoring
    """
    from dwcp.operations.dashboards import DASHBOARDS
    from dwcp.operations.grafana import grafana_json

    _write(out, {f"{one.uid}.json": grafana_json(one) for one in DASHBOARDS}, json=json)


@ops.command()
def systemd(
    out: _OutOption,
    program: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The command dwcp where it is installed; this one unless given."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Write service files: the server, the receiver, and a timer that trains a task again.

    They run as a user of their own, keep everything in /var/lib/dwcp and may do nothing else.

    For example: dwcp ops systemd --out units
    """
    from dwcp.operations.services import service_files

    files = {one.name: one.text() for one in service_files(_program(program))}
    _write(out, files, json=json)


def _write(out: Path, files: Mapping[str, str], *, json: bool) -> None:
    from dwcp.evaluation.files import atomic_write

    targets = {out / name: text for name, text in files.items()}
    for target in targets:
        require_writable(target)
    for target, text in targets.items():
        atomic_write(target, text.encode())
    if json:
        print_json({"files": list(targets)})
    else:
        for target in targets:
            say(str(target))


def _program(given: Path | None) -> Path:
    """Where the command is: as given, as this very process was called, or by the search path."""
    called = Path(sys.argv[0])
    if given is None and called.name == "dwcp" and called.is_file():
        given = called
    return (given or Path(shutil.which("dwcp") or "/usr/bin/dwcp")).absolute()
