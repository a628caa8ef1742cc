"""The part of the demo's report that is about the transfers."""

from collections.abc import Iterator
from typing import Literal

from dwcp.cli.demo.transfer import Run, Transferred
from dwcp.cli.demo.transfer_telling import HEADER, edit_text, left_out_row, run_row, sent_text
from dwcp.cli.demo.writing import link_text, seconds_text
from dwcp.evaluation.report import Bar, BarChart, BarGroup, Cell, Column, Heading, Prose, Section, Table

__all__ = ["transfer_sections"]

_KINDS: tuple[Literal["text", "number"], ...] = (
    "text",
    "number",
    "number",
    "number",
    "number",
    "text",
    "text",
)

_WHAT = """\
Here data was really sent: one process ran dwcp receive, another dwcp send, into a new folder each time, and \
then dwcp sync into the first of them. Time runs from the first connection until the receiver has verified \
every block and all is in place; no program's start is in it. Sent is what the sender made of the data, on \
the link what the kernel carried both ways, with headers and encryption. Files are those that the receiver \
wrote. Each copy was compared with its source: names, content, modes and times. Each was made once, so that \
small differences are chance."""


def transfer_sections(done: Transferred) -> Iterator[Section]:
    """A heading and what is below it."""
    yield Heading("Real transfers", f"{sent_text(done)}." if done.laid.files else "")
    yield Prose(_WHAT)
    for problem in done.problems:
        yield Prose(problem, "bad")
    if bars := tuple(_bar(run, focus=not place) for place, run in enumerate(done.copies) if not run.problem):
        yield BarChart(
            "Time of each copy", "Shorter is better.", "seconds", (BarGroup(_link_title(done), bars),)
        )
    if done.runs:
        yield _table(done)


def _table(done: Transferred) -> Table:
    columns = (
        Column(f"{title[:1].upper()}{title[1:]}", kind) for title, kind in zip(HEADER, _KINDS, strict=True)
    )
    edited = f"; {edit_text(done)}" if done.update else ""
    rows = (*map(_cells, done.runs), *map(left_out_row, done.left_out))
    return Table(f"Each transfer{edited}", tuple(columns), rows)


def _cells(run: Run) -> tuple[Cell | str, ...]:
    *cells, verdict = run_row(run)
    return (*cells, Cell(verdict, tone="bad" if run.problem else "good"))


def _bar(run: Run, *, focus: bool) -> Bar:
    return Bar(run.way.title, run.seconds, seconds_text(run.seconds), role="focus" if focus else "plain")


def _link_title(done: Transferred) -> str:
    rate = done.shape and done.shape.rate_mbps
    return link_text(rate) if rate else "loopback"
