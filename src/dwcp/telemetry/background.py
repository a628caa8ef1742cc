"""The edge of the recorder: a thread that flushes at an interval, and reads the clock."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

from dwcp.errors import StorageError
from dwcp.telemetry.recorder import Recorder

__all__ = ["BackgroundWriter"]


class BackgroundWriter:
    """Flushes a recorder from a thread of its own, as a context manager; the last flush is at the end.

    A sink that cannot write is tried again at the next interval: the records wait, then are dropped and
    counted when the queue is full. The data path never notices.
    """

    def __init__(
        self, recorder: Recorder, interval_s: float = 1.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare the thread; it starts with the context.

        Args:
            recorder: what to flush.
            interval_s: seconds between flushes.
            clock: gives the time in seconds.
        """
        self._recorder = recorder
        self._interval_s = interval_s
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dwcp-telemetry", daemon=True)
        self.failures = 0
        """Flushes that the sink could not take."""
        self.last_error: StorageError | None = None
        """What the last of them said."""

    def __enter__(self) -> "BackgroundWriter":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        try:
            self._recorder.flush(self._clock())
        except StorageError as error:
            self.failures += 1
            self.last_error = error
