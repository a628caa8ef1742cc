"""The edge of the logs: a thread that flushes them at an interval, so that the asking path never does."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from dwcp.errors import InputError, StorageError

__all__ = ["BackgroundFlush", "Flushable"]


class Flushable(Protocol):
    """What has something to write now and then: `ShadowLog`, `dwcp.safety.experiments.ExperimentLog`."""

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StorageError: it cannot be written; it is kept for the next time.
            InputError: what stands there cannot be read.
        """
        ...


class BackgroundFlush:
    """Flushes logs from a thread of its own, as a context manager; the last flush is at the end.

    Args:
        logs: what to flush.
        interval_s: seconds between flushes.
    """

    def __init__(self, logs: Sequence[Flushable], interval_s: float = 1.0) -> None:
        self._logs = tuple(logs)
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dwcp-safety-logs", daemon=True)
        self.failures = 0
        """Flushes that failed; what they held waits, and is dropped and counted once a queue is full."""
        self.last_error: StorageError | InputError | None = None
        """What the last of them said."""

    def __enter__(self) -> "BackgroundFlush":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        for log in self._logs:
            try:
                log.flush()
            except (StorageError, InputError) as error:
                self.failures += 1
                self.last_error = error
