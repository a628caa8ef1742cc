"""A recorder that is loaded when there is something worth writing: short transfers load nothing."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.errors import DwcpError

if TYPE_CHECKING:
    from dwcp.telemetry import BackgroundWriter, Recorder
    from dwcp.telemetry.schema import Row, Value

__all__ = ["LateRecorder"]

_FLUSH_S = 60.0
_WORTH_S = 10.0
"""Telemetry of shorter transfers is not written: loading what writes it takes half a second."""
_MOST_WAITING = 65_536


class LateRecorder:
    """Keeps the records of the first seconds; then a real recorder takes them, and those that come.

    Args:
        home: folder of the telemetry and of the key that identifiers are hashed with.
        clock: seconds that only go forward.

    Attributes:
        error: why nothing is written; None where nothing stands in the way.
    """

    def __init__(self, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._home, self._clock = home, clock
        self._began_s = clock()
        self._beginning = threading.Lock()
        self.error: DwcpError | None = None
        self._waiting: deque[tuple[str, int, Mapping[str, Value]]] = deque(maxlen=_MOST_WAITING)
        self._real: Recorder | None = None
        self._sink: _LateSink | None = None
        self._writer: BackgroundWriter | None = None

    def record(self, kind: str, epoch_time: int, fields: "Mapping[str, Value]") -> bool:
        """Hand a record over; see `dwcp.telemetry.RecordTaker`."""
        if self._real is not None:
            return self._real.record(kind, epoch_time, fields)
        self._waiting.append((kind, epoch_time, fields))
        if self._clock() - self._began_s >= _WORTH_S and self._beginning.acquire(blocking=False):
            try:
                self._begin()
            except DwcpError as error:
                self.error = error
        return True

    def close(self, *, hurried: bool = False) -> None:
        """Write what is to be written; where there is a hurry, only if nothing has to be loaded for it."""
        if self._writer is None or self._sink is None:
            return
        if hurried:
            self._sink.hurry()
        self._hand_over()
        self._writer.__exit__(None, None, None)
        self.error = self._writer.last_error

    def _begin(self) -> None:
        from dwcp.telemetry import BackgroundWriter, IdentifierHasher, Recorder, load_or_create_key

        self._sink = _LateSink(self._home / "telemetry")
        recorder = Recorder(self._sink, IdentifierHasher(load_or_create_key(self._home / "telemetry.key")))
        self._writer = BackgroundWriter(recorder, interval_s=_FLUSH_S).__enter__()
        self._real = recorder
        self._hand_over()

    def _hand_over(self) -> None:
        while self._real is not None and self._waiting:
            self._real.record(*self._waiting.popleft())


class _LateSink:
    """Parquet files, whose libraries are loaded with the first batch, in the writer's thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_loaded = self._is_hurried = False

    def hurry(self) -> None:
        """From now on, write only where nothing has to be loaded for it."""
        self._is_hurried = True

    def write(self, kind: str, rows: "Sequence[Row]") -> None:
        """Write one batch; see `dwcp.telemetry.sinks.Sink`."""
        if self._is_hurried and not self._is_loaded:
            return
        from dwcp.telemetry.sinks import ParquetSink

        self._is_loaded = True
        ParquetSink(self._root).write(kind, rows)
