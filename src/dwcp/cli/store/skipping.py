"""Paths that were left out: said, given to machines, and an exit status of their own."""

from collections.abc import Mapping

import typer

from dwcp.cli.failures import Status
from dwcp.cli.output import note
from dwcp.cli.session import Session
from dwcp.cli.store.names import path_fields, shown

__all__ = ["end_with_skipped", "skipped_fields"]


def skipped_fields(skipped: Mapping[bytes, str]) -> list[dict[str, str]]:
    """In JSON: each path, and why it was left out."""
    return [{**path_fields(path), "reason": why} for path, why in skipped.items()]


def end_with_skipped(session: Session, skipped: Mapping[bytes, str]) -> None:
    """Say what was left out; if anything was, that is the exit status."""
    for path, why in skipped.items():
        note(session, f"left out: {shown(path)}: {why}")
    if skipped:
        raise typer.Exit(Status.SHORT)
