"""Writing a shadow log: a bounded queue on the asking path, a file that is rotated by size behind it."""

from collections import deque
from pathlib import Path
from threading import Lock

import msgspec

from dwcp.errors import InputError, StorageError
from dwcp.safety.json_lines import append_lines, locked
from dwcp.safety.shadow.decision import ShadowDecision, ShadowOutcome

__all__ = ["ShadowLog", "ShadowLogStats", "log_files"]


class ShadowLogStats(msgspec.Struct, frozen=True):
    """What became of what was offered.

    Attributes:
        written: lines in the file, or in one it was rotated to.
        dropped: came while the queue was full.
        waiting: in the queue.
    """

    written: int
    dropped: int
    waiting: int


class ShadowLog:
    """A log of decisions and their outcomes. Threads share it; several processes may write one file.

    Args:
        file: the newest part; older ones are ``file.1``, ``file.2`` and so on, the oldest last.
        capacity: lines that wait at most.
        part_bytes: a part that has reached it is rotated.
        older_parts: kept beside the newest; the oldest goes when there are more.

    Raises:
        InputError: a size is not positive.
    """

    def __init__(
        self, file: Path, capacity: int = 16_384, part_bytes: int = 64_000_000, older_parts: int = 4
    ) -> None:
        if min(capacity, part_bytes, older_parts) < 1:
            raise InputError("a shadow log's capacity, part_bytes and older_parts must be at least 1")
        self.file = file
        self._capacity, self._part_bytes, self._older_parts = capacity, part_bytes, older_parts
        self._queue: deque[ShadowDecision | ShadowOutcome] = deque()
        self._flushing = Lock()
        self._counting = Lock()
        self._written = self._dropped = 0

    def offer(self, line: ShadowDecision | ShadowOutcome) -> bool:
        """Hand a line over: an append, and never a look at the disk; False where the queue is full."""
        if len(self._queue) >= self._capacity:
            with self._counting:
                self._dropped += 1
            return False
        self._queue.append(line)
        return True

    def flush(self) -> None:
        """Write what waits; from any thread that has the time.

        Raises:
            StorageError: the disk is full or may not be written; what waits is kept for the next time.
        """
        with self._flushing:
            waiting = list(self._queue)
            if not waiting:
                return
            with locked(self.file):
                self._rotate()
                append_lines(self.file, waiting)
            self._written += len(waiting)
            for _ in waiting:
                self._queue.popleft()

    def stats(self) -> ShadowLogStats:
        """What became of what was offered."""
        return ShadowLogStats(self._written, self._dropped, len(self._queue))

    def _rotate(self) -> None:
        try:
            if not self.file.exists() or self.file.stat().st_size < self._part_bytes:
                return
            for number in range(self._older_parts, 0, -1):
                part = _part(self.file, number - 1)
                if part.exists():
                    part.replace(_part(self.file, number))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StorageError.of(
                error, f"{self.file} cannot be rotated: {reason}; allow writing its folder"
            ) from error


def log_files(file: Path) -> list[Path]:
    """The parts of a log that are there, the oldest first."""
    older = 0
    while _part(file, older + 1).exists():
        older += 1
    return [part for number in range(older, -1, -1) if (part := _part(file, number)).exists()]


def _part(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.{number}") if number else file
