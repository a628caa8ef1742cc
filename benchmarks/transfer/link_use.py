"""Where the time of a transfer goes: how the link was used from the first moment to the last."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Self, TextIO

from dwcp.simulate.shaped_link import DEVICE

SAMPLE_S = 0.005
"""How often the bytes that a device took in are looked at."""
EDGE = 0.01
"""Share of the bytes at either end that counts as before, and as after, the data."""

Sample = tuple[float, int]


@dataclass(frozen=True)
class LinkUse:
    """Four parts of a transfer's time, in seconds; together they are its whole time.

    Attributes:
        before_s: from the start of the command until 1 % of the bytes had arrived: start of the programs,
            handshakes, reading, first bytes.
        full_s: that the 98 % between would have taken at the rate of the link.
        unused_s: that they took beyond it.
        after_s: from the last 1 % of the bytes to the end: writing, checking, agreeing, ending.
    """

    before_s: float
    full_s: float
    unused_s: float
    after_s: float


def link_use(samples: Sequence[Sample], wall_s: float, rate_mbps: float) -> LinkUse:
    """Where the time went.

    Args:
        samples: moments since the transfer began and bytes that had arrived by then, in order; at least one.
        wall_s: when it was over.
        rate_mbps: of the link, counted as the bytes are.
    """
    first, last = samples[0][1], samples[-1][1]
    arrived = last - first
    begins = min(_reached(samples, first + EDGE * arrived), wall_s)
    ends = min(max(_reached(samples, last - EDGE * arrived), begins), wall_s)
    full_s = min((1 - 2 * EDGE) * arrived * 8 / (rate_mbps * 1e6), ends - begins)
    return LinkUse(begins, full_s, ends - begins - full_s, wall_s - ends)


def _reached(samples: Sequence[Sample], level: float) -> float:
    """When so many bytes had arrived, as if they came evenly between two samples."""
    for (earlier, low), (later, high) in pairwise(samples):
        if high >= level:
            share = (level - low) / (high - low) if high > low else 0.0
            return earlier + max(0.0, share) * (later - earlier)
    return samples[-1][0]


def arrived_at_device(table: str) -> int:
    """Bytes that the link's device has taken in, from the text of ``/proc/PID/net/dev``; 0 without one."""
    for line in table.splitlines():
        name, colon, figures = line.partition(":")
        if colon and name.strip() == DEVICE:
            return int(figures.split()[0])
    return 0


class Watch:
    """Takes samples in a thread of its own, for as long as the block lasts.

    Args:
        table: ``/proc/PID/net/dev`` of a process at the receiving end, open; it may end meanwhile.
        clock: seconds that only go forward.
    """

    def __init__(self, table: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link use", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self.look()

    def look(self) -> None:
        """Take one sample; of an idle link only the last is kept."""
        self._table.seek(0)
        now, arrived = self._clock(), arrived_at_device(self._table.read())
        if len(self.samples) > 1 and self.samples[-2][1] == arrived == self.samples[-1][1]:
            self.samples.pop()
        self.samples.append((now, arrived))

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.look()
