"""The recorder: what the data path calls, at the cost of one append.

The data path hands over a reference to a record and goes on; the checks of the allow-list, the hashing of
identifiers and the writing happen when the queue is drained. A record that breaks the schema is therefore
refused when it is drained: counted under the rule it broke, written nowhere. Who wants to know at once
calls `check_record` first.
"""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from dwcp.errors import InputError
from dwcp.telemetry.privacy import IdentifierHasher
from dwcp.telemetry.record import Refusal, admit
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import Row, Value

if TYPE_CHECKING:
    from dwcp.telemetry.sinks import Sink

__all__ = ["Recorder", "RecorderStats"]

_Raw = tuple[str, int, Mapping[str, Value]]


class RecorderStats(Struct, frozen=True):
    """What became of the records so far.

    Attributes:
        written: handed to the sink.
        refused: by rule, not content-free or not in the schema.
        dropped: came while the queue was full.
        waiting: in the queue, or drained and not yet written.
        last_flush_s: ``now`` of the last flush that wrote everything; None before the first.
    """

    written: int
    refused: Mapping[Rule, int]
    dropped: int
    waiting: int
    last_flush_s: float | None


class Recorder:
    """A bounded queue between the data path and a sink.

    `record` may be called from any thread. It takes no lock unless the queue is full, so threads that
    record at the very same moment may overshoot the capacity by one record each.
    """

    def __init__(
        self, sink: "Sink", hasher: IdentifierHasher, capacity: int = 65_536, batch_rows: int = 8_192
    ) -> None:
        """Start empty.

        Args:
            sink: takes the rows.
            hasher: hashes the identifiers.
            capacity: most records that wait; more are dropped and counted.
            batch_rows: most records that are drained and written at once.

        Raises:
            InputError: a size is not positive.
        """
        if capacity < 1 or batch_rows < 1:
            raise InputError("a recorder's capacity and batch_rows must be at least 1")
        self._sink = sink
        self._hasher = hasher
        self._capacity = capacity
        self._batch_rows = batch_rows
        self._queue: deque[_Raw] = deque()
        self._drained: dict[str, list[Row]] = {}
        self._unwritten = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._dropped = 0
        self._written = 0
        self._refused: Counter[Rule] = Counter()
        self._last_flush_s: float | None = None

    def record(self, kind: str, epoch_time: int, fields: Mapping[str, Value]) -> bool:
        """Hand a record over. Never blocks, never raises, never looks into it.

        Args:
            kind: the name of the record's kind.
            epoch_time: when, in ns since 1970-01-01 UTC.
            fields: a dict of the other columns by name, identifiers in clear; not to be changed afterwards.

        Returns:
            False if the queue is full and the record was dropped.
        """
        if len(self._queue) >= self._capacity:
            with self._lock:
                self._dropped += 1
            return False
        self._queue.append((kind, epoch_time, fields))
        return True

    def flush(self, now: float) -> int:
        """Check, hash and write what was waiting when the call began.

        Args:
            now: the time in seconds, for `RecorderStats.last_flush_s`.

        Returns:
            How many rows the sink took.

        Raises:
            StorageError: the sink could not write; its rows are kept, and the next flush tries again.
        """
        with self._flushing:
            before, left = self._written, len(self._queue)
            self._write()
            while left > 0:
                taken = min(left, self._batch_rows)
                self._drain(taken)
                self._write()
                left -= taken
            self._last_flush_s = now
            return self._written - before

    def stats(self) -> RecorderStats:
        """What became of the records so far."""
        return RecorderStats(
            written=self._written,
            refused=dict(self._refused),
            dropped=self._dropped,
            waiting=len(self._queue) + self._unwritten,
            last_flush_s=self._last_flush_s,
        )

    def _drain(self, count: int) -> None:
        for _ in range(count):
            kind, epoch_time, fields = self._queue.popleft()
            row = admit(kind, epoch_time, fields, self._hasher)
            if isinstance(row, Refusal):
                self._refused[row.rule] += 1
            else:
                self._drained.setdefault(kind, []).append(row)
                self._unwritten += 1

    def _write(self) -> None:
        for kind, rows in tuple(self._drained.items()):
            self._sink.write(kind, rows)
            del self._drained[kind]
            self._written += len(rows)
            self._unwritten -= len(rows)
