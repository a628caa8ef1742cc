"""What holds the sender back: credit from the receiver, and room for bundles that are ready."""

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dwcp.transfer.sending import Bundle

__all__ = ["Credit", "ReadyQueue"]


class Credit:
    """Stored bytes that may be on the way, not yet acknowledged.

    One bundle is always let through, however small the credit, so that a large one can't wait for ever.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def take(self, count_bytes: int) -> bool:
        """Wait until so many bytes may go; False when there is nothing to wait for any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._fits(count_bytes))
            if not self._closed:
                self._used_bytes += count_bytes
            return not self._closed

    def give(self, count_bytes: int) -> None:
        """So many bytes were acknowledged, or lost."""
        with self._changed:
            self._used_bytes -= count_bytes
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def exhausted(self) -> bool:
        """Whether the receiver, not the link, holds the transfer back."""
        return self._used_bytes >= self._limit_bytes

    def _fits(self, count_bytes: int) -> bool:
        return self._used_bytes == 0 or self._used_bytes + count_bytes <= self._limit_bytes


class ReadyQueue:
    """Encoded bundles on their way from encoders to streams, bounded in bytes: who is free takes the next.

    So a slow stream takes fewer, and stalls none of the others.

    What is encoded is settled, and at the beginning nobody knows for what link it should be encoded. So there
    is a second bound, on all that was encoded and has not arrived: a little, and twice what has arrived. It
    trebles with every round trip, where TCP's slow start doubles, and soon bounds nothing.
    """

    def __init__(self) -> None:
        self._limit_bytes = self._first_bytes = 0
        self._bundles: deque[Bundle] = deque()
        self._held_bytes = self._away_bytes = self._arrived_bytes = 0
        self._waiting = 0
        self._changed = threading.Condition()
        self._closed = False

    def begin(self, first_bytes: int) -> None:
        """Let so much be under way before anything has arrived."""
        with self._changed:
            self._first_bytes = first_bytes
            self._changed.notify_all()

    def put(self, bundle: "Bundle") -> bool:
        """Hand over a bundle, then wait until there is room for another. False when nobody will take it."""
        with self._changed:
            self._bundles.append(bundle)
            self._held_bytes += bundle.stored_bytes
            self._away_bytes += bundle.stored_bytes
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._has_room())
            return not self._closed

    def get(self, timeout_s: float) -> "Bundle | None":
        """The next bundle; None when none came in time, or none will."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._closed or self._bundles, timeout_s)
            self._waiting -= 1
            if self._closed or not self._bundles:
                return None
            bundle = self._bundles.popleft()
            self._held_bytes -= bundle.stored_bytes
            self._changed.notify_all()
            return bundle

    def settle(self, count_bytes: int, *, arrived: bool) -> None:
        """So many bytes of bundles that were taken have arrived, or were lost."""
        with self._changed:
            self._away_bytes -= count_bytes
            self._arrived_bytes += count_bytes if arrived else 0
            self._changed.notify_all()

    def resize(self, limit_bytes: int) -> None:
        """From now on, let so much wait."""
        with self._changed:
            self._limit_bytes = limit_bytes
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody go; what is queued is forgotten."""
        with self._changed:
            self._closed = True
            self._bundles.clear()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def starved(self) -> bool:
        """Whether a stream waits and nothing is ready, though more might be: the encoders are the limit."""
        return self._waiting > 0 and not self._bundles and self._may_be_under_way()

    @property
    def held_bytes(self) -> int:
        """Stored bytes that wait for a stream."""
        return self._held_bytes

    def _has_room(self) -> bool:
        return self._may_be_under_way() and (not self._bundles or self._held_bytes < self._limit_bytes)

    def _may_be_under_way(self) -> bool:
        return self._away_bytes < self._first_bytes + 2 * self._arrived_bytes
