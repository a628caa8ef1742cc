"""What is costly to read, read at most every few seconds however often it is asked for."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from dwcp.errors import DwcpError

__all__ = ["Cached"]

ValueT = TypeVar("ValueT")


class Cached(Generic[ValueT]):
    """A value that is read anew when it is asked for and too old. Safe from any thread.

    A source that cannot be read gives None, as one does that has nothing yet: what was read earlier would be
    taken for what is. It is asked again when that answer is too old in turn.

    Args:
        read: reads the value; may raise `DwcpError`.
        keep_s: how old a value may be.
        clock: seconds that only go forward.

    Attributes:
        error: why there was nothing to be had last; None where there was.
    """

    def __init__(self, read: Callable[[], ValueT], keep_s: float, clock: Callable[[], float]) -> None:
        self._read, self._keep_s, self._clock = read, keep_s, clock
        self._lock = threading.Lock()
        self._value: ValueT | None = None
        self._read_s = float("-inf")
        self.error: DwcpError | None = None

    def get(self) -> ValueT | None:
        """The value; None where its source cannot be read."""
        with self._lock:
            if self._clock() - self._read_s >= self._keep_s:
                self._value, self.error = None, None
                try:
                    self._value = self._read()
                except DwcpError as error:
                    self.error = error
                self._read_s = self._clock()
            return self._value
