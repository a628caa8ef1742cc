"""How far a long command is, how fast it goes, and how long it still takes."""

import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dwcp.cli.progress import progress
from dwcp.cli.session import Session
from dwcp.words import bytes_text, counted

__all__ = ["Pace", "counting", "pace"]

_STEP_S = 0.1
"""Between two looks at the clock that are shown."""
_LOOKS = 50
"""The rate is that of so many looks."""

Total = Callable[[], int | None]
"""Gives all bytes that there are to do; None while that is not known."""


class Pace:
    """Counts what is done, and shows it now and then. To be called as a `dwcp.storage.Progress`."""

    def __init__(
        self, show: Callable[[float, str], None], total: Total, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin, with nothing done.

        Args:
            show: takes the share that is done, 0 to 1, and a few words.
            total: what there is to do.
            clock: gives seconds.
        """
        self.files = 0
        self.size_bytes = 0
        self._show, self._total, self._clock = show, total, clock
        self._began_s = clock()
        self._looks = deque([(self._began_s, 0)], _LOOKS)
        show(0.0, "")

    def __call__(self, files: int, size_bytes: int) -> None:
        """So many more files and bytes are done."""
        self.files += files
        self.size_bytes += size_bytes
        now_s = self._clock()
        if now_s >= self._looks[-1][0] + _STEP_S:
            self._looks.append((now_s, self.size_bytes))
            self._tell()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began_s

    def _tell(self) -> None:
        (first_s, first_bytes), (last_s, last_bytes) = self._looks[0], self._looks[-1]
        rate = (last_bytes - first_bytes) / (last_s - first_s)
        words = [bytes_text(self.size_bytes), f"{rate / 1e6:,.0f} MB/s"]
        if self.files:
            words.append(counted(self.files, "file"))
        total = self._total()
        if total and rate:
            words.append(f"{max(total - self.size_bytes, 0) / rate:,.0f} s left")
        self._show(min(self.size_bytes / total, 1.0) if total else 0.0, ", ".join(words))


@contextmanager
def pace(session: Session, title: str, total: Total) -> Iterator[Pace]:
    """Show the progress of one piece of work on standard error, and count it."""
    with progress(session, title) as show:
        yield Pace(show, total)


@contextmanager
def counting(path: Path) -> Iterator[Total]:
    """Count the bytes of a file's or folder's regular files, meanwhile."""
    size_bytes: int | None = None
    over = threading.Event()

    def count() -> None:
        nonlocal size_bytes
        found = _size(path)
        for folder, _, names in os.walk(path):
            if over.is_set():
                return
            found += sum(_size(Path(folder, name)) for name in names)
        size_bytes = found

    thread = threading.Thread(target=count, name="dwcp-counting", daemon=True)
    thread.start()
    try:
        yield lambda: size_bytes
    finally:
        over.set()


def _size(path: Path) -> int:
    with suppress(OSError):
        found = path.lstat()
        return found.st_size if stat.S_ISREG(found.st_mode) else 0
    return 0
