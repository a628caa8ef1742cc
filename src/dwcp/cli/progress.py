"""Showing that work goes on: bars on a terminal, a line now and then elsewhere, nothing when quiet."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from dwcp.cli.session import Session

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["TitledProgress", "progress", "titled_progress"]

TitledProgress: TypeAlias = Callable[[str, float, str], None]
"""Called with what is being worked on, the share done (0 to 1) and a few words."""

_STEP, _STEP_S = 0.1, 1.0
"""Share of the work, and seconds, between two lines where there is no terminal: short work says nothing."""


@contextmanager
def titled_progress(session: Session) -> Iterator[TitledProgress]:
    """Progress of several pieces of work side by side, on standard error."""
    if session.quiet:
        yield lambda _title, _share, _words: None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _Bars(bars).show
    else:
        yield _Lines().show


@contextmanager
def progress(session: Session, title: str) -> Iterator[Callable[[float, str], None]]:
    """Progress of one piece of work."""
    with titled_progress(session) as show:
        yield lambda share, words: show(title, share, words)


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


class _Bars:
    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._known: dict[str, int] = {}

    def show(self, title: str, share: float, words: str) -> None:
        if title not in self._known:
            self._known[title] = int(self._bars.add_task(title, total=1.0, words=""))
        self._bars.update(self._bars.task_ids[self._known[title]], completed=share, words=words)


class _Lines:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, tuple[float, float]] = {}

    def show(self, title: str, share: float, words: str) -> None:
        now = self._clock()
        last, when = self._last.setdefault(title, (share, now))
        if now >= when + _STEP_S and (share >= last + _STEP or share >= 1.0 > last):
            self._last[title] = share, now
            print(f"{title}: {share:.0%} {words}".rstrip(), file=sys.stderr, flush=True)
