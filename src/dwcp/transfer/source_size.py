"""How much a folder holds, counted beside a transfer: so it can say how far it is before all was read."""

import os
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["SourceSize"]

_MOST_ENTRIES = 1_000_000
_ENTRIES_AT_ONCE, _REST_S = 500, 0.005
"""A millisecond or two of work, and a rest that leaves the processor to the transfer."""


class SourceSize:
    """The sizes of a folder's files, added up in a thread of its own. Nothing is opened but folders.

    It is an estimate: what changes meanwhile or cannot be read is counted as it was met, or not at all.

    Args:
        path: a folder; of anything else nothing is counted.
        most_entries: where there are more, the count is given up.

    Attributes:
        total_bytes: of all files; None until the count is done, and where it was given up.
    """

    def __init__(self, path: Path, most_entries: int = _MOST_ENTRIES) -> None:
        self._path, self._most_entries = path, most_entries
        self._entries = self._bytes = 0
        self._folders: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dwcp-size", daemon=True)
        self.total_bytes: int | None = None

    def begin(self) -> None:
        """Count from now on; once."""
        if self._path.is_dir() and not self._path.is_symlink():
            self._thread.start()

    def stop(self) -> None:
        """Give the count up, if it is not done; waits for nothing."""
        self._stopped.set()

    def wait(self, timeout_s: float) -> None:
        """Wait until the count is done or given up."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        self._folders = [str(self._path)]
        while self._folders:
            with suppress(OSError), os.scandir(self._folders.pop()) as entries:
                for entry in entries:
                    if self._is_over():
                        return
                    self._count(entry)
        self.total_bytes = self._bytes

    def _is_over(self) -> bool:
        """Whether to give it up; rests now and then."""
        self._entries += 1
        if self._entries % _ENTRIES_AT_ONCE == 0:
            self._stopped.wait(_REST_S)
        return self._stopped.is_set() or self._entries > self._most_entries

    def _count(self, entry: "os.DirEntry[str]") -> None:
        with suppress(OSError):
            if entry.is_dir(follow_symlinks=False):
                self._folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                self._bytes += entry.stat(follow_symlinks=False).st_size
