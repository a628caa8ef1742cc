"""``dwcp data``: checking tables before anything is learned from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dwcp.cli.failures import Status
from dwcp.cli.options import JsonFlag
from dwcp.cli.output import print_json, say

if TYPE_CHECKING:
    from dwcp.telemetry.validation import ValidationReport

__all__ = ["data"]

data = typer.Typer(
    name="data", no_args_is_help=True, help="Check tables before anything is learned from them."
)


@data.command()
def validate(
    file: Annotated[Path, typer.Argument(help="A Parquet or CSV file.", show_default=False)],
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="The kind of its records; told by the columns unless given."),
    ] = None,
    quarantine: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where bad rows go, with reasons; NAME.quarantine.parquet beside it unless given.",
        ),
    ] = None,
    interval_s: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="SECONDS", help="Sampling interval; each series' own unless given."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Check a table: types, units, ranges, known categories, time, missing values, duplicates, gaps.

    A table of telemetry is held against the schema, one that `dwcp measure` wrote against its own. Bad rows
    go to the quarantine file; nothing is dropped in silence, and the exit status is 3.

    For example: dwcp data validate telemetry.parquet --quarantine bad.parquet
    """
    from dwcp.cli.measured_table import check_measured, is_measured

    if kind is None and is_measured(file):
        report = check_measured(file, quarantine)
    else:
        report = _validate_telemetry(file, kind, quarantine, interval_s)
    if json:
        print_json(report.as_json())
    else:
        for line in report.lines():
            say(line)
    if not report.ok:
        raise typer.Exit(Status.SHORT)


def _validate_telemetry(
    file: Path, kind: str | None, quarantine: Path | None, interval_s: float | None
) -> "ValidationReport":
    from dwcp.telemetry.validation import validate_file

    return validate_file(file, kind, quarantine, interval_s)
